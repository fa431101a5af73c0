import { describe, expect, it } from '@jest/globals'
import { createNoopMeter } from '@opentelemetry/api'
import { z } from 'zod'
import type { Batch, TracesBatch } from '../../../component/batch.ts'
import { ByteBudget } from '../../../component/budget.ts'
import { VirtualClock } from '../../../component/clock.ts'
import type { AnyFactory, NextBySignal } from '../../../component/component.ts'
import type { Consumer, Outcome } from '../../../component/consumer.ts'
import { loadConfig } from '../../../pipeline/config/load.ts'
import { Gateway } from '../../../pipeline/graph/gateway.ts'
import { ProcessorGraph } from '../../../pipeline/graph/processor-graph.ts'
import { FACTORIES } from '../../../pipeline/registry.ts'
import { opaqueTraces } from '../../support/batches.ts'
import { type Answer, ScriptedConsumer } from '../../support/consumers.ts'
import { LogProbe } from '../../support/log-probe.ts'
import { FindingProbe } from '../../support/test-settings.ts'

/** A gateway of components that write down what happens to them, and whose exporters answer as told. */
function gatewayOf(text: string, options: { answers?: Record<string, Answer>; failing?: string } = {}) {
  const events: string[] = []
  const consumers = new Map<string, ScriptedConsumer>()
  const feeds = new Map<string, NextBySignal>()
  const config = z.strictObject({})
  const base = { aliases: [], description: '', signals: ['traces', 'metrics', 'logs'] as const, config }
  const lifeOf = (id: string) => ({
    async start() {
      events.push(`start ${id}`)
      if (id === options.failing) throw new Error(`${id} cannot start`)
    },
    async stop() {
      events.push(`stop ${id}`)
    },
  })
  const receiver = (type: string): AnyFactory => ({
    ...base,
    kind: 'receiver',
    type,
    create: ({ id }, _, next) => {
      feeds.set(id, next)
      return lifeOf(id)
    },
  })
  const pass = ({ id }: { id: string }, _: never, next: Consumer<never>) => ({
    ...lifeOf(id),
    consume: (batch: never) => next.consume(batch),
  })
  const exporter = (type: string): AnyFactory => ({
    ...base,
    kind: 'exporter',
    type,
    create: ({ id }) => {
      const consumer = new ScriptedConsumer(options.answers?.[id])
      consumers.set(id, consumer)
      return { ...lifeOf(id), consume: (batch: Batch) => consumer.consume(batch) }
    },
  })
  const factories: AnyFactory[] = [
    receiver('in'),
    receiver('findings'),
    {
      ...base,
      kind: 'processor',
      type: 'pass',
      needsTraceWindow: false,
      create: { traces: pass, metrics: pass, logs: pass },
    },
    exporter('out'),
    exporter('nop'),
    { ...base, kind: 'extension', type: 'ext', create: ({ id }) => lifeOf(id) },
  ]
  const clock = new VirtualClock()
  const logger = new LogProbe()
  const runtime = {
    clock,
    logger,
    meter: createNoopMeter(),
    budget: new ByteBudget(2 ** 20),
    findings: new FindingProbe(),
  }
  const gateway = new Gateway(loadConfig({ uris: [`yaml:${text}`], factories }), runtime)
  const feed = (items: number, receiverId = 'in') =>
    feeds.get(receiverId)!.traces!.consume(opaqueTraces(new Uint8Array(1), items)) as Outcome
  const ledger = (id: string) => gateway.chains.find((chain) => chain.pipeline.id === id)!.ledger
  return { gateway, events, consumers, feed, ledger, clock, logger }
}

const TWO = `
receivers: { in: , findings: }
processors: { pass/1: , pass/2: }
exporters: { out/a: , out/b: , nop: }
extensions: { ext: }
service:
  extensions: [ext]
  pipelines:
    traces: { receivers: [in], processors: [pass/1, pass/2], exporters: [out/a, out/b] }
    traces/analysis: { receivers: [in], processors: [pass/2], exporters: [nop] }
    logs: { receivers: [findings], exporters: [out/a] }
`

describe('a gateway', () => {
  it('starts from the exporters to the receivers and stops the other way round', async () => {
    const { gateway, events, clock } = gatewayOf(TWO)
    await gateway.start()
    expect(events.splice(0)).toEqual([
      'start ext',
      'start out/a',
      'start out/b',
      'start nop',
      'start pass/2',
      'start pass/1',
      'start pass/2',
      'start findings',
      'start in',
    ])
    await gateway.stop(clock.nowMs() + 1000)
    const order = (event: string) => events.indexOf(`stop ${event}`)
    expect(order('in')).toBe(0)
    expect(order('pass/1')).toBeLessThan(order('findings'))
    expect(order('pass/2')).toBeLessThan(order('findings'))
    expect(order('findings')).toBeLessThan(order('out/a'))
    expect(order('ext')).toBe(events.length - 1)
  })

  it('builds one exporter for all pipelines that name it, and processors for each', () => {
    const { gateway } = gatewayOf(TWO)
    expect(gateway.exporters.map(({ id, signals }) => [id, signals])).toEqual([
      ['out/a', ['traces', 'logs']],
      ['out/b', ['traces']],
      ['nop', ['traces']],
    ])
    expect(gateway.chains.map((chain) => chain.stages.map((stage) => stage.id))).toEqual([
      ['pass/1', 'pass/2'],
      ['pass/2'],
      [],
    ])
  })

  it('stops what it had started when something cannot start', async () => {
    const { gateway, events } = gatewayOf(TWO, { failing: 'findings' })
    await expect(gateway.start()).rejects.toThrow('findings cannot start')
    const started = events.filter((event) => event.startsWith('start')).map((event) => event.slice(6))
    expect(events.filter((event) => event.startsWith('stop')).map((event) => event.slice(5))).toEqual(
      started.toReversed(),
    )
    expect(events).not.toContain('start in')
  })

  it('counts at each pipeline what came in and what went out', () => {
    const { feed, ledger, gateway } = gatewayOf(TWO)
    feed(3)
    feed(4)
    expect(ledger('traces')).toMatchObject({ accepted: 7, forwarded: 7, held: 0, refused: 0 })
    expect(ledger('traces/analysis')).toMatchObject({ accepted: 7, forwarded: 7, held: 0 })
    expect(gateway.chains[0]!.stages.map(({ incoming, outgoing }) => [incoming.items, outgoing.items])).toEqual([
      [7, 7],
      [7, 7],
    ])
  })

  it('gives the sender the refusal of a pipeline, and counts it there', () => {
    const { feed, ledger, consumers } = gatewayOf(TWO, { answers: { 'out/a': 'full', 'out/b': 'full' } })
    expect(feed(3)).toMatchObject({ kind: 'refused', error: { code: 'queue_full', retryable: true } })
    expect(ledger('traces')).toMatchObject({ accepted: 0, refused: 3 })
    // Refused before the analysis saw it, so that it does not see it twice.
    expect(consumers.get('nop')!.offers).toBe(0)
  })
})

describe('a pipeline that only analyses', () => {
  const ONLY_TRACES = `
receivers: { in: }
processors: { pass: }
exporters: { out: , nop: }
service:
  pipelines:
    traces/analysis: { receivers: [in], processors: [pass], exporters: [nop] }
    traces: { receivers: [in], exporters: [out] }
`

  it.each<[Answer, string]>([
    ['full', 'shed'],
    ['reject', 'shed'],
    ['throw', 'shed'],
  ])('never makes the sender retry: it answers %s and that is %s', (answer, reason) => {
    const { feed, ledger, consumers } = gatewayOf(ONLY_TRACES, { answers: { nop: answer } })
    expect(feed(3)).toMatchObject({ kind: 'accepted' })
    expect(consumers.get('out')!.takenItems).toBe(3)
    expect(ledger('traces/analysis')).toMatchObject({
      accepted: 3,
      forwarded: 0,
      held: 0,
      dropped: new Map([[reason, 3]]),
    })
  })

  it('never makes the sender wait', async () => {
    const { feed, ledger, consumers, gateway, clock } = gatewayOf(ONLY_TRACES, { answers: { nop: 'later' } })
    expect(feed(3)).toMatchObject({ kind: 'accepted' })
    expect(ledger('traces/analysis')).toMatchObject({ accepted: 3, held: 3, forwarded: 0 })
    await consumers.get('nop')!.settle()
    expect(ledger('traces/analysis')).toMatchObject({ accepted: 3, held: 0, forwarded: 3 })
    await gateway.stop(clock.nowMs())
  })

  it('sheds what is too much to be under way at once', () => {
    const { feed, ledger } = gatewayOf(ONLY_TRACES, { answers: { nop: 'later' } })
    for (let i = 0; i < 70; i++) feed(1)
    expect(ledger('traces/analysis')).toMatchObject({ accepted: 70, held: 64, dropped: new Map([['shed', 6]]) })
  })
})

describe('the processors alone, for replay', () => {
  it('are fed by hand on a clock of one’s own, and drained', async () => {
    const text = `
receivers: { otlp: { protocols: { grpc: } } }
processors: { batch: { timeout: 1s }, memory_limiter: { check_interval: 1s, limit_mib: 4000 } }
exporters: { nop: }
service:
  pipelines:
    traces: { receivers: [otlp], processors: [memory_limiter, batch], exporters: [nop] }
    traces/other: { receivers: [otlp], exporters: [nop] }
`
    const config = loadConfig({ uris: [`yaml:${text}`], factories: FACTORIES })
    const clock = new VirtualClock()
    const sink = new ScriptedConsumer()
    const runtime = {
      clock,
      logger: new LogProbe(),
      meter: createNoopMeter(),
      budget: new ByteBudget(2 ** 30),
      findings: new FindingProbe(),
    }
    const graph = new ProcessorGraph(config.pipelines.slice(0, 1), config.processors, runtime, () => sink)
    await graph.start()
    expect(Object.keys(graph.next)).toEqual(['traces'])
    const batch: TracesBatch = opaqueTraces(new Uint8Array(1), 5)
    expect(graph.next.traces!.consume(batch)).toMatchObject({ kind: 'accepted' })
    expect(graph.chains[0]!.ledger).toMatchObject({ accepted: 5, held: 5, forwarded: 0 })
    clock.advanceBy(1000)
    expect(sink.takenItems).toBe(5)
    graph.next.traces!.consume(batch)
    await graph.stop(clock.nowMs())
    expect(sink.takenItems).toBe(10)
    expect(graph.chains[0]!.ledger).toMatchObject({ accepted: 10, held: 0, forwarded: 10 })
  })
})
