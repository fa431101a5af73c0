import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { runCommandLine } from '../../cli/command-line.ts'
import { afterThisTest } from '../support/after-this-test.ts'
import { type ServiceSpans, type SpanSpec, TEST_START_NANO, traceRequestJson } from '../support/otlp-builder.ts'
import { encodeRequest, type OtlpJson } from '../support/otlp-oracle.ts'

const MS = 1_000_000n

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'blindspot-replay-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** `blindspot replay ARGS` in this process. */
async function replay(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await runCommandLine(['replay', ...args], {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    env: {},
  })
  return { code, out, err }
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

/** One request a second: a span of the shop and one inside it, and what is `broken`. */
function requestsOf(
  broken: 'nothing' | 'lifetime' | 'context',
  seconds: readonly number[] = upTo(20),
  statement = 'SELECT 1',
): OtlpJson[] {
  return seconds.map((second) => {
    const traceId = 1000 + second
    const startNano = TEST_START_NANO + BigInt(second) * 1000n * MS
    const at = (spanId: number, name: string, fromMs: bigint, toMs: bigint, more: SpanSpec = {}): SpanSpec => ({
      ...{ name, traceId, spanId: traceId * 10 + spanId, parentId: traceId * 10 + 1 },
      ...{ startNano: startNano + fromMs * MS, endNano: startNano + toMs * MS, ...more },
    })
    const services: ServiceSpans[] = [
      {
        service: 'shop',
        spans: [
          at(1, 'GET /cart', 0n, 20n, { kind: 'server', parentId: null }),
          // Not for each request, so that the operation is not one that never waits for its work.
          at(2, 'load', 1n, broken === 'lifetime' && second % 4 === 0 ? 30n : 10n, {
            attributes: { 'db.statement': statement },
          }),
        ],
      },
    ]
    if (broken === 'context')
      services.push({
        service: 'cart',
        spans: [at(3, 'GET', 5n, 9n, { kind: 'server', parentId: 7_000_000 + second })],
      })
    return traceRequestJson(services)
  })
}

/** A call a second from the shop to the cart, for four minutes; all that the shop sent stands before all of the cart. */
function storedByService(): OtlpJson[] {
  const request = (service: 'shop' | 'cart', from: number, until: number): OtlpJson =>
    traceRequestJson([
      { service, spans: Array.from({ length: until - from }, (_, i) => spansOf(service, from + i)).flat() },
    ])
  const spansOf = (service: 'shop' | 'cart', second: number): SpanSpec[] => {
    const traceId = 1000 + second
    const startNano = TEST_START_NANO + BigInt(second) * 1000n * MS
    const span = (spanId: number, kind: 'server' | 'client', more: SpanSpec): SpanSpec => ({
      ...{ name: 'GET /cart', kind, traceId, spanId: traceId * 10 + spanId, parentId: traceId * 10 + spanId - 1 },
      ...{ startNano, endNano: startNano + 20n * MS, ...more },
    })
    if (service === 'shop') return [span(1, 'server', { parentId: null }), span(2, 'client', {})]
    return [span(3, 'server', {})]
  }
  return [request('shop', 0, 200), request('shop', 200, 240), request('cart', 0, 100), request('cart', 100, 240)]
}

const jsonLines = (requests: readonly OtlpJson[]) => requests.map((request) => `${JSON.stringify(request)}\n`).join('')

/** Protobuf as the Collector's file exporter writes it: each request after its length. */
function frames(requests: readonly OtlpJson[], compress = (bytes: Uint8Array): Uint8Array => bytes): Buffer {
  return Buffer.concat(
    requests.flatMap((request) => {
      const bytes = compress(encodeRequest('traces', request))
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return [length, bytes]
    }),
  )
}

function save(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

interface Report {
  inputs: { rejected: number; spans: number; ordering: string }[]
  findings: { rule: string; state: string; evidence: object[] }[]
}

/** The findings that stand in the end; those that had another cause at first are in the report too. */
const standing = (out: string) =>
  (JSON.parse(out) as Report).findings.filter(({ state }) => state !== 'superseded' && state !== 'retracted')

const rulesIn = (out: string) => standing(out).map(({ rule }) => rule)

describe('the exit code of blindspot replay', () => {
  it.each([
    ['nothing', [], 0],
    ['nothing', ['--fail-on', 'info'], 0],
    ['lifetime', [], 0],
    ['lifetime', ['--fail-on', 'warn'], 1],
    ['lifetime', ['--fail-on', 'info'], 1],
    ['context', [], 1],
    ['context', ['--fail-on', 'error'], 1],
    ['context', ['--fail-on', 'never'], 0],
  ] as const)('where %s is broken, with %j, is %d', async (broken, args, code) => {
    const path = save(`${broken}.otlp.jsonl`, jsonLines(requestsOf(broken)))
    expect(await replay(path, ...args)).toMatchObject({ code, err: '' })
  })

  it.each<[string, () => string[], RegExp]>([
    ['a file that is not there', () => [join(folder, 'none.jsonl')], /none\.jsonl: there is no such file/],
    ['a folder', () => [folder], /not a file/],
    ['no file', () => [], /name at least one recording/],
    ['what is no OTLP', () => [save('noise.bin', 'no telemetry at all\n')], /noise\.bin: .*could not be read/],
    ['an option that is not known', () => [save('a', ''), '--fial-on', 'error'], /--fial-on/],
    ['a level that is none', () => [save('a', ''), '--fail-on', 'fatal'], /--fail-on fatal is not known; write error/],
    ['a configuration that is wrong', () => [save('a', ''), '--config', 'yaml:receivers: 1'], /problem/],
    ['an output that cannot be written', () => [save('a', ''), '--output', join(folder, 'no', 'b')], /no such file/],
  ])('is 2 for %s', async (_, args, message) => {
    const { code, out, err } = await replay(...args())
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(message)
  })

  it('is that of the findings where the last line is torn, which is counted', async () => {
    const text = jsonLines(requestsOf('context'))
    const path = save('torn.otlp.jsonl', text.slice(0, -200))
    const { code, out, err } = await replay(path, '--format', 'json')
    expect(code).toBe(1)
    expect((JSON.parse(out) as Report).inputs).toMatchObject([{ rejected: 1 }])
    expect(err).toMatch(/torn\.otlp\.jsonl: one message could not be read/)
  })
})

describe('the report of blindspot replay', () => {
  it('finds nothing late in what is stored by service, minutes of it in one request', async () => {
    const path = save('by-service.otlp.jsonl', jsonLines(storedByService()))
    const { out } = await replay(path, '--format', 'json')
    expect(JSON.parse(out) as Report).toMatchObject({ inputs: [{ ordering: 'sorted', spans: 720 }], findings: [] })
  })

  it('and the output are those of a recording in order where something at the end is late', async () => {
    // So large that the output of most has been written when the last comes.
    const statement = 'x'.repeat(20_000)
    const inOrder = upTo(200)
    const lateAtTheEnd = [...inOrder.filter((second) => second !== 80), 80]
    const replayed = async (seconds: readonly number[]) => {
      const output = join(folder, 'large.enriched.jsonl')
      const path = save('large.otlp.jsonl', jsonLines(requestsOf('context', seconds, statement)))
      const { out } = await replay(path, '--format', 'json', '--output', output)
      const { inputs, findings } = JSON.parse(out) as Report
      return { ordering: inputs[0]!.ordering, findings, output: readFileSync(output, 'utf8') }
    }
    const expected = await replayed(inOrder)
    expect(expected.ordering).toBe('arrival')
    expect(expected.findings).not.toEqual([])
    expect(expected.output.length).toBeGreaterThan(200 * statement.length)
    expect(await replayed(lateAtTheEnd)).toEqual({ ...expected, ordering: 'sorted' })
  })

  it('for people is a table with place, cause, share and two traces to look at', async () => {
    const { out } = await replay(save('context.otlp.jsonl', jsonLines(requestsOf('context'))))
    expect(out).toMatch(/context\.otlp\.jsonl: 20 traces, 60 spans/)
    const [row, message, examples] = out.slice(out.indexOf('error  CTX-001')).split('\n')
    expect(row).toMatch(/^error {2}CTX-001 orphan_span {2}\S*cart\S* ?.* {2}\w+ {2}20 of 20 \(100 %\)$/)
    expect(message).toMatch(/^ {7}\S/)
    const ids = examples!.match(/trace [0-9a-f]{32}/g)
    expect(new Set(ids).size).toBe(2)
    expect(examples).toContain('docs/rules/CTX-001.md')
  })

  it('is the same, byte for byte, as often as the same is replayed', async () => {
    const path = save('context.otlp.jsonl', jsonLines(requestsOf('context')))
    for (const format of ['json', 'text']) {
      const [once, again] = [await replay(path, '--format', format), await replay(path, '--format', format)]
      expect(again).toEqual(once)
    }
  })

  it('has the evidence that was asked for', async () => {
    const path = save('context.otlp.jsonl', jsonLines(requestsOf('context')))
    const evidence = async (...args: string[]) => {
      const { out } = await replay(path, '--format', 'json', ...args)
      return standing(out).map((finding) => finding.evidence.length)
    }
    expect(await evidence()).toEqual([10])
    expect(await evidence('--evidence', '3')).toEqual([3])
    expect(await evidence('--evidence', 'all')).toEqual([20])
  })
})

describe('the input of blindspot replay', () => {
  const requests = requestsOf('context')
  it.each<[string, string | Uint8Array]>([
    ['JSON lines', jsonLines(requests)],
    ['JSON lines in gzip', gzipSync(jsonLines(requests))],
    ['JSON lines in zstd', zstdCompressSync(jsonLines(requests))],
    ['protobuf', frames(requests)],
    ['protobuf in gzip', gzipSync(frames(requests))],
    ['protobuf in zstd', zstdCompressSync(frames(requests))],
    ['protobuf with zstd for each message', frames(requests, zstdCompressSync)],
  ])('may be %s, and is told by its content', async (name, content) => {
    const { code, out } = await replay(save(name, content), '--format', 'json')
    expect(code).toBe(1)
    expect(rulesIn(out)).toEqual(['CTX-001'])
    expect((JSON.parse(out) as Report).inputs).toMatchObject([{ spans: 60, rejected: 0 }])
  })

  it('may be several files, of which one has the parents that another misses', async () => {
    const parents = Array.from({ length: 20 }, (_, second) => {
      const startNano = TEST_START_NANO + BigInt(second) * 1000n * MS
      const traceId = 1000 + second
      const call: SpanSpec = {
        name: 'call',
        kind: 'client',
        traceId,
        spanId: 7_000_000 + second,
        parentId: traceId * 10 + 1,
      }
      return traceRequestJson([
        { service: 'shop', spans: [{ ...call, startNano: startNano + 4n * MS, endNano: startNano + 10n * MS }] },
      ])
    })
    const [a, b] = [save('a.jsonl', jsonLines(requests)), save('b.binpb', frames(parents))]
    expect(await replay(a, '--format', 'json')).toMatchObject({ code: 1 })
    const { code, out } = await replay(a, b, '--format', 'json')
    expect(rulesIn(out)).toEqual([])
    expect(code).toBe(0)
  })
})

const CONFIG = (pipelines: string, receiver = '127.0.0.1:0') => `
receivers: { otlp: { protocols: { grpc: { endpoint: "${receiver}" } } } }
processors: { trace_window: , context_propagation: , span_lifetime: }
exporters: { file: { path: ${join(folder, 'must-not-be.jsonl')} } }
service: { pipelines: { ${pipelines} } }
`
const pipeline = (id: string, detector: string) =>
  `${id}: { receivers: [otlp], processors: [trace_window, ${detector}], exporters: [file] }`

describe('the configuration of blindspot replay', () => {
  it('gives it the processors, and nothing of it is opened', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    afterThisTest(() => taken.close())
    const { port } = taken.address() as { port: number }
    const path = save('context.otlp.jsonl', jsonLines(requestsOf('context')))
    const config = save('pipeline.yaml', CONFIG(pipeline('traces', 'span_lifetime'), `127.0.0.1:${port}`))
    const { code, out, err } = await replay(path, '--config', config, '--format', 'json')
    expect({ code, err, rules: rulesIn(out) }).toEqual({ code: 0, err: '', rules: [] })
    expect(existsSync(join(folder, 'must-not-be.jsonl'))).toBe(false)
  })

  it('is the built-in one without --config, whatever lies in the folder', async () => {
    save('pipeline.yaml', 'this is: [no configuration')
    const path = save('context.otlp.jsonl', jsonLines(requestsOf('context')))
    const before = process.cwd()
    process.chdir(folder)
    afterThisTest(() => process.chdir(before))
    expect(await replay(path)).toMatchObject({ code: 1, err: '' })
  })

  it('wants to know which of several pipelines with detectors is meant', async () => {
    const path = save('context.otlp.jsonl', jsonLines(requestsOf('context')))
    const two = `${pipeline('traces', 'context_propagation')}, ${pipeline('traces/times', 'span_lifetime')}`
    const config = save('pipeline.yaml', CONFIG(two))
    const { code, out, err } = await replay(path, '--config', config)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/traces and traces\/times both look for findings in traces; name one with --pipeline/)
    expect(await replay(path, '--config', config, '--pipeline', 'traces')).toMatchObject({ code: 1, err: '' })
    expect(await replay(path, '--config', config, '--pipeline', 'traces/times')).toMatchObject({ code: 0, err: '' })
    const unknown = await replay(path, '--config', config, '--pipeline', 'trace')
    expect(unknown).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--pipeline trace is not in the configuration/),
    })
  })
})

describe('the output of blindspot replay', () => {
  const requests = requestsOf('context')
  it.each<[string, string | Uint8Array, (bytes: Buffer) => string]>([
    ['JSON lines', jsonLines(requests), (bytes) => bytes.toString()],
    ['JSON lines in gzip', gzipSync(jsonLines(requests)), (bytes) => gunzipSync(bytes).toString()],
    ['protobuf', frames(requests), (bytes) => bytes.toString('latin1')],
    ['protobuf in zstd', zstdCompressSync(frames(requests)), (bytes) => zstdDecompressSync(bytes).toString('latin1')],
  ])('has the form of the input, %s, and the marks', async (name, content, read) => {
    const output = join(folder, `enriched ${name}`)
    await replay(save(name, content), '--output', output)
    expect(read(readFileSync(output))).toContain('blindspot.rules')
    // It is a recording again, with every span.
    const { out } = await replay(output, '--format', 'json')
    expect((JSON.parse(out) as Report).inputs).toMatchObject([{ spans: 60, rejected: 0 }])
  })
})
