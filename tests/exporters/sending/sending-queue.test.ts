import { describe, expect, it } from '@jest/globals'
import type { TracesBatch } from '../../../component/batch.ts'
import type { Outcome } from '../../../component/consumer.ts'
import { retryOnFailure, sendingQueue } from '../../../exporters/sending/config.ts'
import { SendingExporter } from '../../../exporters/sending/sending-exporter.ts'
import { SpanEdits } from '../../../otlp/span-edits.ts'
import { opaqueBytes, opaqueTraces } from '../../support/batches.ts'
import { tracesBatch } from '../../support/scan.ts'
import { testExporterSettings } from '../../support/test-settings.ts'
import { FakeSender, REJECTED, SENT, settle, unavailable } from './fake-sender.ts'

function setUp(queue: object = {}, retry: object = {}, maxRequestBytes = 0) {
  const sender = new FakeSender()
  const settings = testExporterSettings('otlp_grpc')
  const config = {
    sending_queue: sendingQueue.parse(queue),
    retry_on_failure: retryOnFailure.parse({ randomization_factor: 0, ...retry }),
    max_request_bytes: maxRequestBytes,
  }
  const exporter = new SendingExporter(settings, config, sender, () => 0.5)
  const { clock, budget } = settings
  return { sender, exporter, clock, budget, ledger: settings.ledgers.traces, ledgers: settings.ledgers }
}

/** A batch of `items` spans in a request of 100 bytes. */
function batch(items: number, onReleased: ((isUnused: boolean) => void) | null = null) {
  return opaqueTraces(new Uint8Array(100), items, onReleased)
}

/** A batch that leaves with other bytes than it came with, and some more than `bytes` of them. */
function editedBatch(bytes: number): TracesBatch {
  const spans = [{ name: 'a', attributes: { padding: 'x'.repeat(bytes) } }]
  const batch = tracesBatch([{ service: 'shop', spans }])
  batch.edits = new SpanEdits(batch.table)
  batch.edits.appendString(0, 'added', 'here')
  return batch
}

describe('a sending queue takes batches', () => {
  it('answers as soon as a batch is held, and sends it', async () => {
    const { exporter, sender, ledger } = setUp()
    expect(exporter.consume(batch(3))).toEqual({ kind: 'accepted' })
    expect(ledger).toMatchObject({
      accepted: 3,
      held: 3,
      sent: 0,
      queueSize: 1,
      queueCapacity: 1000,
      inFlightRequests: 1,
    })
    sender.open[0]!.finish(SENT)
    await settle()
    expect(ledger).toMatchObject({ accepted: 3, held: 0, sent: 3, queueSize: 0, inFlightRequests: 0 })
  })

  it('sends num_consumers requests at once, and the rest in their order', async () => {
    const { exporter, sender } = setUp({ num_consumers: 2 })
    for (const items of [1, 2, 3, 4]) exporter.consume(batch(items))
    expect(sender.open.map(({ request }) => request.items)).toEqual([1, 2])
    sender.open[0]!.finish(SENT)
    await settle()
    expect(sender.open.map(({ request }) => request.items)).toEqual([2, 3])
  })

  it('has a queue for each signal', () => {
    const { exporter, ledgers } = setUp({ queue_size: 1 })
    exporter.consume(batch(1))
    expect(exporter.consume(opaqueBytes('logs', new Uint8Array(10), 5))).toEqual({ kind: 'accepted' })
    expect([ledgers.traces.held, ledgers.logs.held]).toEqual([1, 5])
  })

  it.each([
    { sizer: 'requests', queue_size: 3 },
    { sizer: 'items', queue_size: 30 },
    { sizer: 'bytes', queue_size: 300 },
  ])('is full by $sizer, refuses then, and keeps nothing of what it refused', async ({ sizer, queue_size }) => {
    const { exporter, sender, ledger } = setUp({ sizer, queue_size })
    for (let i = 0; i < 3; i++) expect(exporter.consume(batch(10))).toEqual({ kind: 'accepted' })
    const outcome = exporter.consume(batch(10)) as Outcome & { kind: 'refused' }
    expect(outcome).toMatchObject({ kind: 'refused', error: { code: 'queue_full', retryable: true } })
    expect(ledger).toMatchObject({ accepted: 30, held: 30, enqueueFailed: 10, queueSize: queue_size })
    sender.open[0]!.finish(SENT)
    await settle()
    expect(exporter.consume(batch(10))).toEqual({ kind: 'accepted' })
  })

  it('lets a request pass that is larger than the whole queue when it is empty', () => {
    const { exporter } = setUp({ sizer: 'items', queue_size: 5 })
    expect(exporter.consume(batch(50))).toEqual({ kind: 'accepted' })
    expect(exporter.consume(batch(1))).toMatchObject({ kind: 'refused' })
  })

  it('makes the stage before wait with block_on_overflow, first come first served', async () => {
    const { exporter, sender, ledger } = setUp({ queue_size: 1, block_on_overflow: true })
    exporter.consume(batch(1))
    const answered: number[] = []
    for (const items of [2, 3]) void Promise.resolve(exporter.consume(batch(items))).then(() => answered.push(items))
    await settle()
    expect(answered).toEqual([])
    sender.open[0]!.finish(SENT)
    await settle()
    expect(answered).toEqual([2])
    expect(ledger).toMatchObject({ accepted: 3, held: 2, enqueueFailed: 0 })
  })

  it.each([
    { result: SENT, outcome: { kind: 'accepted' } },
    { result: REJECTED, outcome: { kind: 'refused', error: { code: 'backend_rejected', retryable: false } } },
    {
      result: { kind: 'sent', partial: { rejectedItems: 2, message: 'too old' } } as const,
      outcome: { kind: 'partial', droppedItems: 2, reason: 'rejected', message: 'too old' },
    },
  ])('tells the result with wait_for_result: $outcome.kind', async ({ result, outcome }) => {
    const { exporter, sender } = setUp({ wait_for_result: true })
    const answer = exporter.consume(batch(3))
    sender.open[0]!.finish(result)
    expect(await answer).toMatchObject(outcome)
  })

  it('waits for the result, and for nothing else, without a queue', async () => {
    const { exporter, sender } = setUp({ enabled: false, num_consumers: 1 })
    const answers = [exporter.consume(batch(1)), exporter.consume(batch(1))]
    expect(sender.open).toHaveLength(2)
    for (const attempt of [...sender.open]) attempt.finish(SENT)
    expect(await Promise.all(answers)).toEqual([{ kind: 'accepted' }, { kind: 'accepted' }])
  })
})

describe('a sending queue cuts a batch that is larger than max_request_bytes', () => {
  /** Eight spans of a hundred bytes, four to a request. */
  const large = () =>
    tracesBatch([{ service: 'shop', spans: Array.from({ length: 8 }, () => ({ name: 'x'.repeat(60) })) }])
  const MAX_BYTES = 500

  it('and holds its requests as one', async () => {
    const { exporter, sender, ledger, budget } = setUp({}, {}, MAX_BYTES)
    expect(exporter.consume(large())).toEqual({ kind: 'accepted' })
    expect(ledger).toMatchObject({ accepted: 8, held: 8, queueSize: 2 })
    expect(sender.open.map(({ request }) => request.items)).toEqual([4, 4])
    for (const attempt of [...sender.open]) attempt.finish(SENT)
    await settle()
    expect(ledger).toMatchObject({ held: 0, sent: 8, queueSize: 0 })
    expect(budget.usedBytes).toBe(0)
  })

  it('and refuses it as a whole, keeping nothing, where there is room for a part only', () => {
    const { exporter, ledger, budget } = setUp({ queue_size: 2 }, {}, MAX_BYTES)
    exporter.consume(batch(1))
    expect(exporter.consume(large())).toMatchObject({ kind: 'refused', error: { code: 'queue_full' } })
    expect(ledger).toMatchObject({ accepted: 1, held: 1, enqueueFailed: 8, queueSize: 1 })
    expect(budget.usedBytes).toBe(0)
  })

  const PARTIAL = { kind: 'sent', partial: { rejectedItems: 3, message: 'too old' } } as const
  it.each([
    [[SENT, SENT], { kind: 'accepted' }],
    [[PARTIAL, PARTIAL], { kind: 'partial', droppedItems: 6 }],
    [[PARTIAL, SENT], { kind: 'partial', droppedItems: 3 }],
    [[SENT, REJECTED], { kind: 'refused' }],
  ] as const)('and with wait_for_result tells the result of all: %j is %j', async (results, outcome) => {
    const { exporter, sender } = setUp({ wait_for_result: true }, {}, MAX_BYTES)
    const answer = exporter.consume(large())
    const attempts = [...sender.open]
    for (const [i, result] of results.entries()) attempts[i]!.finish(result)
    expect(await answer).toMatchObject(outcome)
  })
})

describe('a sending queue holds memory', () => {
  it('keeps the received request until it is sent, and takes nothing of the budget for it', async () => {
    const { exporter, sender, budget } = setUp()
    let released = false
    const traces = batch(1, () => {
      released = true
    })
    exporter.consume(traces)
    traces.release()
    expect([released, budget.usedBytes]).toEqual([false, 0])
    sender.open[0]!.finish(SENT)
    await settle()
    expect(released).toBe(true)
  })

  it.each([
    ['at once: nobody reads it any more', [SENT], true],
    ['in the end: who failed may still be reading it', [unavailable(), SENT], false],
  ])('says when it lets the received request go, sent %s', async (_, results, isUnused) => {
    const released: boolean[] = []
    const { exporter, sender, clock } = setUp()
    const received = batch(1, (unused) => released.push(unused))
    exporter.consume(received)
    received.release()
    for (const result of results) {
      sender.open[0]!.finish(result)
      await settle()
      clock.advanceBy(60_000)
      await settle()
    }
    expect(released).toEqual([isUnused])
  })

  it('shares the received request with another exporter: each lets go when it is done, refusing is being done', async () => {
    const [slow, full] = [setUp(), setUp({ queue_size: 1 })]
    full.exporter.consume(batch(1))
    let released = false
    const traces = batch(1, () => {
      released = true
    })
    const outcomes = [slow, full].map(({ exporter }) => exporter.consume(traces.fork()))
    traces.release()
    expect(outcomes).toMatchObject([{ kind: 'accepted' }, { kind: 'refused', error: { code: 'queue_full' } }])
    expect(released).toBe(false)
    slow.sender.open[0]!.finish(SENT)
    await settle()
    expect(released).toBe(true)
  })

  it.each([
    ['sent: it is used again', [SENT], true],
    ['refused once: who failed may still be reading it', [unavailable(), SENT], false],
  ])('charges the memory of a request that had to be written, %s', async (_, results, isReused) => {
    const { exporter, sender, clock, budget } = setUp()
    const edited = editedBatch(20_000)
    exporter.consume(edited)
    edited.release()
    const { bytes } = sender.open[0]!.request
    expect(budget.usedBytes).toBe(bytes.buffer.byteLength)
    for (const result of results) {
      sender.open[0]!.finish(result)
      await settle()
      clock.advanceBy(60_000)
      await settle()
    }
    expect([budget.usedBytes, budget.memory.freeBytes]).toEqual([0, isReused ? bytes.buffer.byteLength : 0])
  })

  it('uses the memory of a written request again as soon as its compressed bytes stand for it', () => {
    const { exporter, sender, budget } = setUp()
    exporter.consume(editedBatch(20_000))
    const { request } = sender.open[0]!
    const written = request.bytes.buffer.byteLength
    request.prepare(new Uint8Array(100))
    expect([budget.usedBytes, budget.memory.freeBytes]).toEqual([100, written])
    request.release()
    expect([budget.usedBytes, budget.memory.freeBytes]).toEqual([0, written])
  })

  it('charges bytes that were made for the request, and lets the received one go', async () => {
    const { exporter, sender, budget } = setUp()
    let released = false
    const traces = batch(1, () => {
      released = true
    })
    exporter.consume(traces)
    traces.release()
    sender.open[0]!.request.prepare(new Uint8Array(40))
    expect([released, budget.usedBytes]).toEqual([true, 40])
    sender.open[0]!.finish(SENT)
    await settle()
    expect(budget.usedBytes).toBe(0)
  })
})

describe('a sending queue retries', () => {
  it('waits longer each time, up to max_interval', async () => {
    const { exporter, sender, clock } = setUp({}, { initial_interval: '1s', max_interval: '4s', multiplier: 2 })
    const startMs = clock.nowMs()
    exporter.consume(batch(1))
    const attemptsAtMs: number[] = []
    for (const waitMs of [1000, 2000, 4000, 4000]) {
      attemptsAtMs.push(clock.nowMs() - startMs)
      sender.open[0]!.finish(unavailable())
      await settle()
      clock.advanceBy(waitMs - 1)
      await settle()
      expect(sender.open).toHaveLength(0)
      clock.advanceBy(1)
      await settle()
      expect(sender.open).toHaveLength(1)
    }
    expect(attemptsAtMs).toEqual([0, 1000, 3000, 7000])
  })

  it('waits as long as the destination asks for', async () => {
    const { exporter, sender, clock } = setUp({}, { initial_interval: '1s' })
    exporter.consume(batch(1))
    sender.open[0]!.finish(unavailable(20_000))
    await settle()
    clock.advanceBy(19_999)
    await settle()
    expect(sender.open).toHaveLength(0)
    clock.advanceBy(1)
    await settle()
    expect(sender.open).toHaveLength(1)
  })

  it('gives up when the next attempt would come after max_elapsed_time', async () => {
    const { exporter, sender, clock, ledger } = setUp(
      {},
      { initial_interval: '4s', max_elapsed_time: '9s', multiplier: 1.5 },
    )
    exporter.consume(batch(7))
    sender.open[0]!.finish(unavailable())
    await settle()
    clock.advanceBy(4000)
    await settle()
    sender.open[0]!.finish(unavailable())
    await settle()
    expect(ledger).toMatchObject({ accepted: 7, held: 0, failed: 7, sent: 0 })
  })

  it.each([
    ['an error that does not pass', {}, REJECTED],
    ['any error when retries are off', { enabled: false }, unavailable()],
  ])('does not retry %s', async (_case, retry, result) => {
    const { exporter, sender, ledger } = setUp({}, retry)
    exporter.consume(batch(2))
    sender.open[0]!.finish(result)
    await settle()
    expect(ledger).toMatchObject({ held: 0, failed: 2 })
  })
})

describe('a sending queue drains', () => {
  it('ends at once when it holds nothing', async () => {
    const { exporter, sender, clock } = setUp()
    await exporter.stop(clock.nowMs() + 60_000)
    expect(sender.closed).toBe(true)
  })

  it('wakes what waits for its next attempt, and retries until it is sent', async () => {
    const { exporter, sender, clock, ledger } = setUp({}, { initial_interval: '30s' })
    exporter.consume(batch(4))
    sender.open[0]!.finish(unavailable())
    await settle()
    const stopped = exporter.stop(clock.nowMs() + 10_000)
    await settle()
    for (let i = 0; i < 3; i++) {
      sender.open[0]!.finish(unavailable())
      await settle()
      clock.advanceBy(1000)
      await settle()
    }
    sender.open[0]!.finish(SENT)
    await stopped
    expect(ledger).toMatchObject({ sent: 4, held: 0, failed: 0 })
  })

  it('drops at the deadline what is left, waiting or on its way, and counts it', async () => {
    const { exporter, sender, clock, ledger, budget } = setUp({ num_consumers: 1 })
    exporter.consume(batch(4))
    exporter.consume(batch(5))
    const stopped = exporter.stop(clock.nowMs() + 10_000)
    clock.advanceBy(10_000)
    await stopped
    expect(ledger).toMatchObject({ accepted: 9, held: 0, sent: 0, failed: 0, queueSize: 0 })
    expect(ledger.dropped).toEqual(new Map([['shutdown', 9]]))
    await settle()
    expect(ledger).toMatchObject({ sent: 0, failed: 0, inFlightRequests: 0 })
    expect([sender.attempts, budget.usedBytes]).toEqual([1, 0])
  })

  it('refuses what still comes, and what waited for room', async () => {
    const { exporter, clock, sender } = setUp({ queue_size: 1, block_on_overflow: true })
    exporter.consume(batch(1))
    const blocked = exporter.consume(batch(1))
    const stopped = exporter.stop(clock.nowMs() + 10_000)
    expect(await blocked).toMatchObject({ kind: 'refused', error: { code: 'shutting_down', retryable: true } })
    expect(exporter.consume(batch(1))).toMatchObject({ kind: 'refused', error: { code: 'shutting_down' } })
    sender.open[0]!.finish(SENT)
    await stopped
  })
})
