import { beforeAll, expect, it } from '@jest/globals'
import { afterThisTest } from '../support/after-this-test.ts'
import { buildGoSender, GO_BUILD_MS, goSender } from '../support/go-sender.ts'
import { OtlpGrpcSink } from '../support/otlp-sink.ts'
import { Program } from '../support/program.ts'
import { describeWithTool } from '../support/tools.ts'
import { Arrived, rulesOf, spansArrived } from './arrived.ts'
import { enrichingPipeline } from './enriching-pipeline.ts'

interface SentSpan {
  readonly service: string
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string
  readonly start: string
  readonly end: string
  readonly attributes: number
}

const NO_PARENT = '0'.repeat(16)

/** What must be there of a span, in one line. */
const key = (...parts: readonly (string | number)[]) => parts.join(' ')

describeWithTool('go', ['version'], 'services with the OpenTelemetry Go SDK before a started gateway', () => {
  beforeAll(buildGoSender, GO_BUILD_MS)

  it('come out at an OTLP sink complete and enriched, with derived metrics and findings beside them', async () => {
    const sink = await OtlpGrpcSink.start()
    afterThisTest(() => sink.stop())
    const gateway = await Program.run(enrichingPipeline(sink.endpoint))
    const printed = await goSender('shop', '-grpc', gateway.address('gRPC'))
    const sent = printed
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as SentSpan)
    expect(sent.length).toBeGreaterThan(100)
    await spansArrived(sink, sent.length)
    expect(await gateway.stop()).toBe(0)
    const arrived = new Arrived(sink)

    // Complete: each span once, as it was sent, with the attributes it had.
    const whatWasSent = sent.map((span) =>
      key(span.service, span.name, span.traceId, span.spanId, span.parentId, span.start, span.end, span.attributes),
    )
    const whatArrived = arrived.spans.map((span) => {
      const own = span.attributes.filter(({ key }) => !key.startsWith('blindspot.'))
      const parent = span.parentSpanId || NO_PARENT
      const { startTimeUnixNano, endTimeUnixNano } = span
      return key(
        span.service,
        span.name,
        span.traceId,
        span.spanId,
        parent,
        startTimeUnixNano,
        endTimeUnixNano,
        own.length,
      )
    })
    expect(whatArrived.toSorted()).toEqual(whatWasSent.toSorted())
    expect([...arrived.metrics.get('cart')!]).toEqual(expect.arrayContaining(['go.config.gogc', 'go.memory.used']))

    // Enriched: the broken spans say so, and no other does.
    const marked = (name: string) => arrived.spans.filter((span) => span.name === name).map(rulesOf)
    expect(marked('GET /dark')).toContainEqual(['CTX-001'])
    // The work that goes on too long, and once it is known to do so always, the span that does not wait for it.
    expect(marked('write behind')).toContainEqual(['LIFE-001'])
    // On a machine that is too busy the gateway leaves traces out, and says so.
    const unanalysed = gateway.output.includes('the gateway is overloaded') ? [''] : []
    const lateTraces = arrived.spans.filter((span) => span.name === 'write behind').map((span) => span.traceId)
    for (const traceId of lateTraces) {
      const rules = arrived.spans.filter((span) => span.traceId === traceId).flatMap(rulesOf)
      expect(['LIFE-001', 'LIFE-003', ...unanalysed]).toContain(rules.join())
    }
    for (const name of ['GET /fine', 'load cart']) expect(marked(name).flat()).toEqual([])

    // Derived metrics and finding records, which name rule, place and edge.
    expect([...arrived.metrics.get('blindspot')!]).toEqual(
      expect.arrayContaining([
        'blindspot.finding.occurrences',
        'blindspot.finding.active',
        'blindspot.edge.calls',
        'blindspot.trace.completed',
        'blindspot.span.reported.duration',
        'blindspot.span.effective.duration',
      ]),
    )
    for (const rule of ['CTX-001', 'LIFE-001', 'GO-001']) {
      const about = expect.objectContaining({ 'blindspot.rule': rule, 'service.name': 'cart' })
      expect(arrived.points).toContainEqual({ metric: 'blindspot.finding.occurrences', attributes: about })
      expect(arrived.logs).toContainEqual({ eventName: 'blindspot.finding', attributes: about })
    }
    const edge = { 'client.service.name': 'frontend', 'server.service.name': 'cart', 'blindspot.boundary': 'http' }
    expect(arrived.points).toContainEqual({
      metric: 'blindspot.edge.calls',
      attributes: expect.objectContaining(edge),
    })
  })
})
