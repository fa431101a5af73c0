import { describe, expect, it } from '@jest/globals'
import type { TracesBatch } from '../../../component/batch.ts'
import { ACCEPTED, type Outcome, refused } from '../../../component/consumer.ts'
import { GatewayError } from '../../../component/errors.ts'
import { Overload } from '../../../component/overload.ts'
import { markSpan } from '../../../findings/mark-span.ts'
import { RefCache } from '../../../otlp/resource-cache.ts'
import { SpanEdits } from '../../../otlp/span-edits.ts'
import { Parent, TraceState } from '../../../otlp/trace-index.ts'
import { configSchema } from '../../../processors/trace-window/config.ts'
import { factory } from '../../../processors/trace-window/trace-window.ts'
import type { SpanSpec } from '../../support/otlp-builder.ts'
import { scan, tracesBatch } from '../../support/scan.ts'
import { testProcessorSettings } from '../../support/test-settings.ts'

async function window(config: Record<string, unknown> = {}, recorded = true, unread = false) {
  const overload = new Overload()
  const settings = testProcessorSettings('trace_window', 'traces', { recorded, unread, overload })
  const out: TracesBatch[] = []
  /** What `out` would send: rows and bytes are there only while a batch is handed on. */
  const sent: Uint8Array[] = []
  const next = {
    answer: ACCEPTED as Outcome,
    consume: (batch: TracesBatch) => {
      if (next.answer !== ACCEPTED) return next.answer
      out.push(batch.fork())
      sent.push(batch.encode())
      return ACCEPTED
    },
  }
  const processor = factory.create.traces!(settings, configSchema.parse(config), next)
  await processor.start()
  const refs = new RefCache()
  let nano = BigInt(settings.clock.nowMs()) * 1_000_000n
  const send = (service: string, ...spans: SpanSpec[]) => {
    nano += 1_000_000n
    const batch = tracesBatch(
      [{ service, spans: spans.map((span) => ({ startNano: nano, endNano: nano + 1000n, ...span })) }],
      refs,
    )
    const outcome = processor.consume(batch) as Outcome
    batch.release()
    return { outcome, source: batch.table.sources[0]! }
  }
  const states = () => out.flatMap((batch) => [...(batch.traces?.state ?? [])])
  const spans = () => out.reduce((sum, batch) => sum + batch.table.count, 0)
  return { overload, refs, settings, processor, next, out, sent, send, states, spans }
}

const ROOT: SpanSpec = { traceId: 1, spanId: 1, kind: 'server' }
const CHILD: SpanSpec = { traceId: 1, spanId: 2, parentId: 1 }

describe('trace_window', () => {
  it('hands a complete trace on after quiet_complete, its pieces together and parents resolved', async () => {
    const w = await window()
    w.send('cart', CHILD)
    w.settings.clock.advanceBy(500)
    w.send('frontend', ROOT)
    w.settings.clock.advanceBy(900)
    expect(w.out).toHaveLength(0)
    w.settings.clock.advanceBy(200)
    expect(w.states()).toEqual([TraceState.complete])
    expect([...w.out[0]!.traces!.parentRow]).toEqual([1, Parent.none])
  })

  it('waits quiet for a missing parent, then says that the trace is incomplete', async () => {
    const w = await window()
    w.send('cart', CHILD)
    w.settings.clock.advanceBy(5900)
    expect(w.out).toHaveLength(0)
    w.settings.clock.advanceBy(200)
    expect(w.states()).toEqual([TraceState.incomplete])
    expect([...w.out[0]!.traces!.parentRow]).toEqual([Parent.missing])
  })

  it('lets a trace with news all the time go at max_wait', async () => {
    const w = await window()
    for (let i = 0; i < 21; i++) {
      w.send('cart', { ...CHILD, spanId: 100 + i })
      w.settings.clock.advanceBy(1000)
    }
    expect(w.states()[0]).toBe(TraceState.incomplete)
  })

  it('knows the parent of a late span, and calls the piece late', async () => {
    const w = await window()
    w.send('frontend', ROOT)
    w.settings.clock.advanceBy(2000)
    w.send('cart', CHILD)
    w.settings.clock.advanceBy(2000)
    expect(w.states()).toEqual([TraceState.complete, TraceState.late])
    expect([...w.out[1]!.traces!.parentRow]).toEqual([Parent.passed])
  })

  it('calls the root late that comes when its children have gone', async () => {
    const w = await window()
    w.send('cart', CHILD)
    w.settings.clock.advanceBy(7000)
    w.send('frontend', ROOT)
    w.settings.clock.advanceBy(2000)
    expect(w.states()).toEqual([TraceState.incomplete, TraceState.late])
  })

  it('says unknown, not incomplete, for max_wait after a live start', async () => {
    const w = await window({}, false)
    w.send('cart', CHILD)
    w.settings.clock.advanceBy(7000)
    expect(w.states()).toEqual([TraceState.unknown])
  })

  it('hangs a server span on the client span whose id it shares (B3)', async () => {
    const w = await window()
    w.send('frontend', ROOT, { ...CHILD, kind: 'client' })
    w.send('cart', { ...CHILD, kind: 'server' }, { traceId: 1, spanId: 3, parentId: 2 })
    w.settings.clock.advanceBy(1200)
    expect([...w.out[0]!.traces!.parentRow]).toEqual([Parent.none, 0, 1, 2])
  })

  it('lets the oldest traces go unjudged beyond max_traces', async () => {
    const w = await window({ max_traces: 2 })
    for (let trace = 1; trace <= 5; trace++) w.send('frontend', { ...ROOT, traceId: trace })
    expect(w.states()).toEqual([TraceState.unknown, TraceState.unknown, TraceState.unknown])
  })

  it('keeps what the next stage refuses, takes nothing new meanwhile, and offers it again', async () => {
    const w = await window()
    w.next.answer = refused(new GatewayError('queue_full', 'full', { retryable: true }))
    w.send('frontend', ROOT)
    w.settings.clock.advanceBy(1200)
    expect(w.send('frontend', { ...ROOT, traceId: 2 }).outcome).toMatchObject({
      kind: 'refused',
      error: { retryable: true },
    })
    expect(w.settings.ledger.held).toBe(1)
    w.next.answer = ACCEPTED
    w.settings.clock.advanceBy(200)
    expect(w.states()).toEqual([TraceState.complete])
    expect(w.settings.ledger.held).toBe(0)
  })

  it('holds a request until its last span has gone, then lets it go', async () => {
    const w = await window()
    const { source } = w.send('frontend', ROOT, { traceId: 2, spanId: 9, parentId: 8 })
    w.settings.clock.advanceBy(1200)
    expect(source.references).toBe(1)
    w.settings.clock.advanceBy(6000)
    expect(source.references).toBe(0)
  })

  it('copies the last spans out of mostly dead requests, and they leave as they came', async () => {
    const w = await window()
    const padding = 'x'.repeat(2000)
    const sources = Array.from({ length: 50 }, (_, request) => {
      const whole = Array.from({ length: 60 }, (_, i) => ({
        ...ROOT,
        traceId: request * 1000 + i + 1,
        attributes: { padding },
      }))
      return w.send('cart', ...whole, {
        traceId: request * 1000 + 900,
        spanId: 5,
        parentId: 4,
        name: `left ${request}`,
      }).source
    })
    w.settings.clock.advanceBy(2000)
    expect(sources.filter((source) => source.references > 0)).toEqual([])
    expect(w.settings.ledger.held).toBe(50)
    w.sent.length = 0
    w.settings.clock.advanceBy(6000)
    const names = w.sent.flatMap((bytes) => {
      const table = scan(bytes)
      return Array.from(
        { length: table.count },
        (_, row) => `${table.name(row)} of ${table.resourceOf(row).serviceName}`,
      )
    })
    expect(names.sort()).toEqual(Array.from({ length: 50 }, (_, i) => `left ${i} of cart`).sort())
  })

  it('hands on everything when it stops, with incomplete traces unknown', async () => {
    const w = await window()
    w.send('cart', CHILD)
    await w.processor.stop(w.settings.clock.nowMs() + 1000)
    expect(w.states()).toEqual([TraceState.unknown])
    expect(w.settings.budget.usedBytes).toBe(0)
  })

  it('hands on batches of the size that is asked for, however much was due while the next stage took nothing', async () => {
    const w = await window({ max_batch_spans: 2 })
    w.next.answer = refused(new GatewayError('queue_full', 'full', { retryable: true }))
    w.send('frontend', ...Array.from({ length: 20 }, (_, i) => ({ ...ROOT, traceId: i + 1 })))
    w.settings.clock.advanceBy(5000)
    expect(w.out).toHaveLength(0)
    w.next.answer = ACCEPTED
    w.settings.clock.advanceBy(1000)
    expect(w.out.map((batch) => batch.table.count)).toEqual(Array(10).fill(2))
    expect(w.settings.ledger.held).toBe(0)
  })

  it('sends all that it was refused, and all behind it, before it has stopped', async () => {
    const w = await window({ max_batch_spans: 1 })
    w.next.answer = refused(new GatewayError('queue_full', 'full', { retryable: true }))
    w.send('frontend', ROOT, { ...ROOT, traceId: 2 }, { ...ROOT, traceId: 3 })
    w.settings.clock.advanceBy(1200)
    w.next.answer = ACCEPTED
    w.settings.clock.advanceBy(50)
    const stopped = w.processor.stop(w.settings.clock.nowMs() + 1000)
    for (let i = 0; i < 10; i++) {
      w.settings.clock.advanceBy(100)
      await Promise.resolve()
    }
    await stopped
    expect(w.spans()).toBe(3)
    expect(w.settings.ledger.held).toBe(0)
  })

  it('gives up at the deadline, counts what it lost, and holds nothing any more', async () => {
    const w = await window({ max_batch_spans: 1 })
    w.next.answer = refused(new GatewayError('queue_full', 'full', { retryable: true }))
    w.send('frontend', ROOT, { ...ROOT, traceId: 2 })
    await w.processor.stop(w.settings.clock.nowMs())
    expect(w.settings.ledger.dropped.get('shutdown')).toBe(2)
    expect(w.settings.ledger.held).toBe(0)
    expect(w.settings.budget.usedBytes).toBe(0)
  })

  it('keeps what a processor before it changed', async () => {
    const w = await window()
    const batch = tracesBatch([{ service: 'cart', spans: [{ ...ROOT, name: 'get' }, CHILD] }], w.refs)
    batch.edits = new SpanEdits(batch.table)
    batch.edits.drop(1)
    batch.edits.appendString(0, 'team', 'shop')
    w.processor.consume(batch)
    batch.release()
    w.settings.clock.advanceBy(1200)
    expect(w.spans()).toBe(1)
    expect(Buffer.from(w.sent[0]!).toString('latin1')).toContain('team')
  })

  it.each([true, false])(
    'hands on traces that detectors may mark, for nothing where they are unread: %p',
    async (unread) => {
      const w = await window({}, true, unread)
      w.send('frontend', ROOT)
      w.settings.clock.advanceBy(1200)
      markSpan(w.out[0]!, 0, 'CTX-001', 'no_propagation')
      expect(w.out[0]!.edits!.isEmpty).toBe(unread)
    },
  )

  it.each([
    ['full', 100, 0],
    ['off', 0, 100],
  ] as const)(
    'in overload stage %s gives %i traces to the detectors and leads %i past them',
    async (stage, analysed, past) => {
      const w = await window()
      w.overload.stage = stage
      for (let trace = 1; trace <= 100; trace++) w.send('frontend', { ...ROOT, traceId: trace })
      w.settings.clock.advanceBy(1200)
      expect(w.out.reduce((sum, batch) => sum + (batch.traces?.traceCount ?? 0), 0)).toBe(analysed)
      expect(w.out.reduce((sum, batch) => sum + (batch.traces ? 0 : batch.table.count), 0)).toBe(past)
    },
  )

  it('waits for a callee that exports later than its caller, from the first call on', async () => {
    const w = await window()
    for (let trace = 1; trace <= 40; trace++) {
      w.send(
        'frontend',
        { ...ROOT, traceId: trace },
        { traceId: trace, spanId: 2, parentId: 1, kind: 'client', name: 'call' },
      )
      w.settings.clock.advanceBy(3000)
      w.send('cart', { traceId: trace, spanId: 3, parentId: 2, kind: 'server' })
      w.settings.clock.advanceBy(3000)
    }
    expect(new Set(w.states())).toEqual(new Set([TraceState.complete]))
  })

  it('does not wait for long when calls are never answered, as those to a database', async () => {
    const w = await window()
    for (let trace = 1; trace <= 40; trace++) {
      w.send(
        'frontend',
        { ...ROOT, traceId: trace },
        { traceId: trace, spanId: 2, parentId: 1, kind: 'client', name: 'GET' },
      )
      w.settings.clock.advanceBy(10_000)
    }
    w.out.length = 0
    w.send('frontend', { ...ROOT, traceId: 99 }, { traceId: 99, spanId: 2, parentId: 1, kind: 'client', name: 'GET' })
    w.settings.clock.advanceBy(1200)
    expect(w.states()).toEqual([TraceState.complete])
  })

  it('loses no span and doubles none over many interleaved traces', async () => {
    const w = await window()
    for (let round = 0; round < 40; round++) {
      for (let trace = 1; trace <= 60; trace++)
        w.send('frontend', { traceId: trace * 7 + round, spanId: round + 1, parentId: round === 0 ? null : 1 })
      w.settings.clock.advanceBy(250)
    }
    w.settings.clock.advanceBy(60_000)
    expect(w.spans()).toBe(40 * 60)
    expect(w.settings.ledger.held).toBe(0)
  })
})
