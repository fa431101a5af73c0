import { describe, expect, it } from '@jest/globals'
import { ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
import { afterThisTest } from '../support/after-this-test.ts'
import { OtlpGrpcSink } from '../support/otlp-sink.ts'
import { Program } from '../support/program.ts'
import { Arrived, rulesOf, spansArrived } from './arrived.ts'
import { enrichingPipeline } from './enriching-pipeline.ts'

type Sent = { readonly name: string; readonly traceId: string; readonly spanId: string }

/** One request of a service, of which a part is broken; gives the spans that there are. */
function serveOnce(provider: TracerProvider, round: number): Sent[] {
  const tracer = provider.getTracer('shop')
  const startMs = Date.now() - 100
  const root = tracer.startSpan('GET /cart', { startTime: startMs })
  const inside = trace.setSpan(ROOT_CONTEXT, root)
  const load = tracer.startSpan('load', { startTime: startMs + 1, attributes: { round } }, inside)
  const late = tracer.startSpan('write behind', { startTime: startMs + 2 }, inside)
  const nobody = {
    traceId: (2 ** 40 + round).toString(16).padStart(32, 'a'),
    spanId: 'deadbeefdeadbeef',
    traceFlags: 1,
  }
  const dark = tracer.startSpan('dark', { startTime: startMs }, trace.setSpanContext(ROOT_CONTEXT, nobody))
  load.end(startMs + 2)
  root.end(startMs + 3)
  late.end(startMs + 50)
  dark.end(startMs + 1)
  return [root, load, late, dark].map((span) => ({
    name: (span as unknown as Sent).name,
    traceId: span.spanContext().traceId,
    spanId: span.spanContext().spanId,
  }))
}

const EXPORTERS: Readonly<Record<string, (gateway: Program) => SpanExporter>> = {
  'js-grpc': (gateway) => new GrpcExporter({ url: `http://${gateway.address('gRPC')}` }),
  'js-protobuf': (gateway) => new ProtobufExporter({ url: `http://${gateway.address('HTTP')}/v1/traces` }),
  'js-json': (gateway) => new JsonExporter({ url: `http://${gateway.address('HTTP')}/v1/traces` }),
}
const SERVICES = Object.keys(EXPORTERS)

describe('services with the OpenTelemetry JS SDK before a started gateway', () => {
  it('come out at an OTLP sink complete and enriched, with derived metrics and findings beside them', async () => {
    const sink = await OtlpGrpcSink.start()
    afterThisTest(() => sink.stop())
    const gateway = await Program.run(enrichingPipeline(sink.endpoint))
    const providers = Object.entries(EXPORTERS).map(([service, exporterTo]) => {
      const provider = new TracerProvider({
        resource: resourceFromAttributes({ 'service.name': service }),
        spanProcessors: [new BatchSpanProcessor({ exporter: exporterTo(gateway) })],
      })
      afterThisTest(() => provider.shutdown())
      return provider
    })

    // In the first moments after its start the gateway does not know yet whether a parent is missing.
    const sent: Sent[] = []
    const isMarked = ({ spans }: Arrived, service: string) =>
      spans.some((span) => span.service === service && rulesOf(span).includes('CTX-001'))
    for (let round = 0; !SERVICES.every((service) => isMarked(new Arrived(sink), service)); round++) {
      for (const provider of providers) {
        sent.push(...serveOnce(provider, round))
        await provider.forceFlush()
      }
      await spansArrived(sink, sent.length)
    }
    expect(await gateway.stop()).toBe(0)

    const arrived = new Arrived(sink)
    const identity = ({ name, traceId, spanId }: Sent) => `${name} ${traceId} ${spanId}`
    expect(arrived.spans.map(identity).toSorted()).toEqual(sent.map(identity).toSorted())
    for (const service of SERVICES) {
      const lastOf = (name: string) => arrived.spans.findLast((span) => span.service === service && span.name === name)!
      expect(rulesOf(lastOf('dark'))).toEqual(['CTX-001'])
      expect(rulesOf(lastOf('write behind'))).toEqual(['LIFE-001'])
      for (const name of ['GET /cart', 'load']) expect(rulesOf(lastOf(name))).toEqual([])
      for (const rule of ['CTX-001', 'LIFE-001']) {
        const about = expect.objectContaining({ 'blindspot.rule': rule, 'service.name': service })
        expect(arrived.points).toContainEqual({ metric: 'blindspot.finding.occurrences', attributes: about })
        expect(arrived.logs).toContainEqual({ eventName: 'blindspot.finding', attributes: about })
      }
    }
    expect([...arrived.metrics.get('blindspot')!]).toContain('blindspot.span.effective.duration')
  })
})
