// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in configurations look like templates of JavaScript
import { describe, expect, it } from '@jest/globals'
import { problemsOf } from '../../support/config.ts'

const RECEIVERS = 'receivers: { otlp: { protocols: { grpc: } } }'
const EXPORTERS = 'exporters: { debug: }'

/** A configuration of lines; what is not given is there and right. */
function withParts(parts: {
  receivers?: string
  processors?: string
  exporters?: string
  pipelines?: string
  more?: string
}): string {
  const { receivers = RECEIVERS, processors = 'processors: { trace_window: , batch: }', exporters = EXPORTERS } = parts
  const { pipelines = 'traces: { receivers: [otlp], exporters: [debug] }', more = '' } = parts
  return [receivers, processors, exporters, `service: { pipelines: { ${pipelines} } }`, more].join('\n')
}

describe('what is wrong with a configuration', () => {
  it('is all said at once, in the order in which it was written', () => {
    const text = `receivers:
  otlp:
    protocols:
      grpc:
        endpont: localhost:4317
        max_recv_msg_size_mib: "four"
  jaeger:
processors:
  bach:
exporters:
  logging:
  debug:
    verbosity: loud
service:
  telemetry: { logs: { level: chatty } }
  pipelines:
    traces:
      receivers: [otlp]
      processors: [bach, batch]
      exporters: [debug]
conectors:
`
    expect(problemsOf(text)).toEqual([
      '5:9 receivers.otlp.protocols.grpc.endpont: is not known here; did you mean "endpoint"?',
      '6:32 receivers.otlp.protocols.grpc.max_recv_msg_size_mib: expected a number (got "four"; write a number such as 64)',
      '7:3 receivers.jaeger: unknown receiver "jaeger": let the services send OTLP to the receiver "otlp"; Jaeger clients are replaced by OpenTelemetry SDKs',
      '9:3 processors.bach: unknown processor "bach"; did you mean "batch"?',
      '11:3 exporters.logging: unknown exporter "logging": use "debug", its new name',
      '13:16 exporters.debug.verbosity: is not one of the known values (got "loud"; write basic, normal, detailed)',
      '15:31 service.telemetry.logs.level: is not one of the known values (got "chatty"; write debug, info, warn, error)',
      '21:1 conectors: is not known here; did you mean "connectors"?',
    ])
  })

  it.each<[string, string, string]>([
    ['no receivers', withParts({ receivers: '' }), '2:1 no receiver configuration specified in config'],
    ['no exporters', withParts({ exporters: 'exporters:' }), '3:11 no exporter configuration specified in config'],
    [
      'a type that is none',
      withParts({ exporters: 'exporters: { debug: , "9x": }' }),
      '3:23 exporters.9x: "9x" is no type; letters, digits and _ make one, at most 63, a letter first',
    ],
    [
      'a name that is empty',
      withParts({ exporters: 'exporters: { debug: , debug/: }' }),
      '3:23 exporters.debug/: in "debug/" id: the part after / should not be empty',
    ],
    [
      'an id twice',
      withParts({ exporters: 'exporters: { debug/a: , "debug / a": , debug: }' }),
      '3:25 exporters.debug / a: "debug/a" is configured twice',
    ],
    [
      'a type that nothing resembles',
      withParts({ processors: 'processors: { qqqqqqqq: }' }),
      '2:15 processors.qqqqqqqq: unknown processor "qqqqqqqq"; there are ',
    ],
    [
      'a list instead of ids',
      withParts({ processors: 'processors: [batch]' }),
      '2:13 processors: expected processors by id, such as "processors: { memory_limiter: }"',
    ],
    [
      'a connector, and not where pipelines refer to it',
      withParts({
        pipelines: `traces: { receivers: [otlp], exporters: [debug, spanmetrics] }, metrics: { receivers: [spanmetrics], exporters: [debug] }`,
        more: 'connectors: { spanmetrics: }',
      }),
      '5:15 connectors.spanmetrics: unknown connector "spanmetrics": use the receiver "findings", which brings durations and calls as metrics',
    ],
    ['no protocol', withParts({ receivers: 'receivers: { otlp: }' }), '1:20 receivers.otlp.protocols: '],
    [
      'a number out of range',
      withParts({ receivers: 'receivers: { otlp: { protocols: { grpc: { max_recv_msg_size_mib: -1 } } } }' }),
      '1:66 receivers.otlp.protocols.grpc.max_recv_msg_size_mib: must be ',
    ],
    [
      'a rule between two keys',
      withParts({ processors: 'processors: { batch: { send_batch_max_size: 1 } }' }),
      '2:45 processors.batch.send_batch_max_size: send_batch_max_size must be greater or equal to send_batch_size (got 1; write a larger one, or 0 for no limit)',
    ],
    [
      'a value that is refused with the reason',
      withParts({ receivers: 'receivers: { otlp: { protocols: { http: { include_metadata: true } } } }' }),
      '1:61 receivers.otlp.protocols.http.include_metadata: not supported: request headers are not carried through pipelines (got true; leave it out or false)',
    ],
    [
      'a list that is refused with the reason',
      withParts({ processors: 'processors: { batch: { metadata_keys: [tenant] } }' }),
      '2:24 processors.batch.metadata_keys: is not supported (got a list; leave it out, all senders share one batch)',
    ],
  ])('%s', (_, text, start) => {
    const [first = '', ...more] = problemsOf(text)
    expect(first.slice(0, start.length)).toBe(start)
    expect(more.filter((problem) => !problem.includes('service::pipelines'))).toEqual([])
  })

  it.each([
    ['0', []],
    ['4', ['not a duration (got 4; write a number with a unit such as 500ms, 1s or 1m30s)']],
    ['soon', ['not a duration (got "soon"; write a number with a unit such as 500ms, 1s or 1m30s)']],
  ])('a duration of %s', (written, messages) => {
    expect(problemsOf(withParts({ processors: `processors: { batch: { timeout: ${written} } }` }))).toEqual(
      messages.map((message) => `2:33 processors.batch.timeout: ${message}`),
    )
  })

  it('hides no key that a Collector would not know either behind a guess', () => {
    expect(problemsOf(withParts({ processors: 'processors: { batch: { qqqqqqqq: 1 } }' }))).toEqual([
      '2:24 processors.batch.qqqqqqqq: is not known here; known are send_batch_size, timeout, send_batch_max_size, metadata_keys, metadata_cardinality_limit',
    ])
  })
})

describe('what is wrong with pipelines, in the words of the Collector', () => {
  it.each<[string, string, string]>([
    ['none', '', '4:12 service::pipelines: service must have at least one pipeline'],
    [
      'an unknown signal',
      'trace: { receivers: [otlp], exporters: [debug] }',
      '4:25 service::pipelines::trace: unknown signal "trace"; did you mean "traces"?',
    ],
    [
      'no receiver',
      'traces: { exporters: [debug] }',
      '4:25 service::pipelines::traces: must have at least one receiver',
    ],
    [
      'no exporter',
      'traces: { receivers: [otlp] }',
      '4:25 service::pipelines::traces: must have at least one exporter',
    ],
    [
      'what is not configured',
      'traces: { receivers: [otlp], processors: [nop], exporters: [debug] }',
      '4:67 service::pipelines::traces: references processor "nop" which is not configured',
    ],
    [
      'a processor twice',
      'traces: { receivers: [otlp], processors: [batch, batch], exporters: [debug] }',
      '4:74 service::pipelines::traces: references processor "batch" multiple times',
    ],
    [
      'a signal that a processor does not know',
      'logs: { receivers: [otlp], processors: [trace_window], exporters: [debug] }',
      '4:65 service::pipelines::logs: processor "trace_window" does not work on logs, it works on traces',
    ],
    [
      'a reference without a type',
      'traces: { receivers: [otlp, "/x"], exporters: [debug] }',
      '4:53 service::pipelines::traces: id must not be empty',
    ],
    [
      'an unknown key',
      'traces: { receivers: [otlp], exporter: [debug] }',
      '4:54 service.pipelines.traces.exporter: is not known here; did you mean "exporters"?',
    ],
  ])('%s', (_, pipelines, message) => {
    expect(problemsOf(withParts({ pipelines }))).toEqual([message])
  })

  it('wants a trace_window before whoever judges whole traces', () => {
    const processors = 'processors: { trace_window: , context_propagation: }'
    const pipeline = (list: string) => `traces: { receivers: [otlp], processors: [${list}], exporters: [debug] }`
    const complaint =
      'processor "context_propagation" judges whole traces and needs "trace_window" before it in this pipeline'
    expect(problemsOf(withParts({ processors, pipelines: pipeline('context_propagation') }))).toEqual([
      `4:67 service::pipelines::traces: ${complaint}`,
    ])
    expect(
      problemsOf(withParts({ processors, pipelines: pipeline('context_propagation, trace_window') })),
    ).toHaveLength(1)
    expect(problemsOf(withParts({ processors, pipelines: pipeline('trace_window, context_propagation') }))).toEqual([])
  })

  it('extensions that are not configured', () => {
    const text = withParts({}).replace('service: {', 'service: { extensions: [health_check],')
    expect(problemsOf(text)).toEqual([
      '4:25 service::extensions: references extension "health_check" which is not configured',
    ])
  })

  it('an exporter and a connector of one name', () => {
    expect(problemsOf(withParts({ more: 'connectors: { debug: }' }))).toContain(
      `5:15 connectors::debug: ambiguous ID: Found both "debug" exporter and "debug" connector. Change one of the components' IDs to eliminate ambiguity (e.g. rename "debug" connector to "debug/connector")`,
    )
  })
})

describe('secrets in messages', () => {
  const exporter = (body: string) =>
    withParts({ exporters: `exporters: { debug: , otlp_grpc: { endpoint: "a:1", ${body} } }` })

  it.each<[string, string]>([
    ['a header', 'headers: { x-tenant: [hush] }'],
    ['what came from the environment under the name of a secret', 'tls: { password: "${env:HUSH}" }'],
    ['a key in PEM', 'tls: { key_pem: { a: hush } }'],
  ])('are not repeated: %s', (_, body) => {
    const problems = problemsOf(exporter(body), { HUSH: 'hush' })
    expect(problems).toHaveLength(1)
    expect(problems.join('\n')).not.toContain('hush')
  })

  it('are not repeated from a file that is no YAML', () => {
    expect(problemsOf('password: "hush').join('\n')).not.toContain('hush')
  })

  it('leave what is no secret readable', () => {
    expect(problemsOf(exporter('timeout: soon'))[0]).toContain('got "soon"')
    expect(problemsOf(exporter('compression: "https://me:hush@host"'))[0]).toContain('got "https://[REDACTED]@host"')
  })
})
