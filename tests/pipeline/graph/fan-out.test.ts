import { describe, expect, it } from '@jest/globals'
import type { Batch, TracesBatch } from '../../../component/batch.ts'
import { VirtualClock } from '../../../component/clock.ts'
import type { Outcome } from '../../../component/consumer.ts'
import { Branch } from '../../../pipeline/graph/branch.ts'
import { FanOut } from '../../../pipeline/graph/fan-out.ts'
import { EntryBooks, ExitBooks } from '../../../pipeline/graph/pipeline-books.ts'
import { PipelineLedger } from '../../../telemetry/ledger.ts'
import { SILENT_LOGGER } from '../../../telemetry/logger.ts'
import { opaqueTraces } from '../../support/batches.ts'
import { type Answer, ScriptedConsumer } from '../../support/consumers.ts'

const BYTES = new Uint8Array(1)

/** A pipeline's way out to exporters that answer as told. */
function exitTo(...answers: Answer[]) {
  const clock = new VirtualClock()
  const ledger = new PipelineLedger()
  const consumers = answers.map((answer) => new ScriptedConsumer(answer))
  const branches = consumers.map(
    (each, i) =>
      new Branch(`exporter "${i}"`, each, new EntryBooks(new PipelineLedger()), { clock, logger: SILENT_LOGGER }),
  )
  return { clock, ledger, consumers, fanOut: new FanOut(branches, new ExitBooks(ledger), false) }
}

function spans(items: number) {
  let released = false
  const batch = opaqueTraces(BYTES, items, () => {
    released = true
  })
  return { batch, isReleased: () => released }
}

function kindOf(outcome: Outcome): string {
  return outcome.kind === 'refused' ? outcome.error.code : outcome.kind
}

describe('a fan-out', () => {
  it.each<[Answer[], string, number[], Partial<PipelineLedger>]>([
    [['accept', 'accept'], 'accepted', [1, 1], { forwarded: 3, held: 0 }],
    [['full', 'accept'], 'queue_full', [0, 0], { forwarded: 0, held: 0 }],
    [['full', 'full'], 'queue_full', [0, 0], { forwarded: 0, held: 0 }],
    [['accept', 'full'], 'accepted', [1, 0], { forwarded: 0, held: 3 }],
    [['accept', 'reject'], 'partial', [1, 0], { forwarded: 0, held: 0, dropped: new Map([['rejected', 3]]) }],
    [['reject', 'accept'], 'partial', [0, 1], { forwarded: 0, held: 0, dropped: new Map([['rejected', 3]]) }],
    [['reject', 'reject'], 'backend_rejected', [0, 0], { forwarded: 0, held: 0 }],
    [['accept', 'throw'], 'partial', [1, 0], { dropped: new Map([['rejected', 3]]) }],
    [['accept', 'full', 'reject'], 'partial', [1, 0, 0], { held: 3, forwarded: 0 }],
  ])('to branches that answer %j is %s', (answers, outcome, taken, ledger) => {
    const { fanOut, consumers, ledger: own } = exitTo(...answers)
    expect(kindOf(fanOut.consume(spans(3).batch) as Outcome)).toBe(outcome)
    expect(consumers.map((each) => each.taken.length)).toEqual(taken)
    expect(own).toMatchObject(ledger)
  })

  it('keeps what one branch took for the other, and refuses everything else meanwhile', () => {
    const { fanOut, consumers, clock, ledger } = exitTo('accept', 'full')
    const first = spans(3)
    expect(kindOf(fanOut.consume(first.batch) as Outcome)).toBe('accepted')
    first.batch.release()
    expect(first.isReleased()).toBe(false)
    expect(kindOf(fanOut.consume(spans(4).batch) as Outcome)).toBe('queue_full')
    expect(consumers.map((each) => each.takenItems)).toEqual([3, 0])

    consumers[1]!.answer('accept')
    clock.advanceBy(100)
    expect(consumers.map((each) => each.takenItems)).toEqual([3, 3])
    expect(first.isReleased()).toBe(true)
    expect(ledger).toMatchObject({ forwarded: 3, held: 0 })
    expect(kindOf(fanOut.consume(spans(4).batch) as Outcome)).toBe('accepted')
    expect(ledger.forwarded).toBe(7)
  })

  it('delivers what it keeps before anything new, without waiting for its timer', () => {
    const { fanOut, consumers } = exitTo('accept', 'full')
    fanOut.consume(spans(1).batch)
    consumers[1]!.answer('accept')
    fanOut.consume(spans(2).batch)
    expect(consumers[1]!.taken.map((batch) => batch.itemCount)).toEqual([1, 2])
  })

  it('brings nothing twice to any branch, whatever they answer and whenever the sender retries', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const next = random(seed)
      const { fanOut, consumers, clock, ledger } = exitTo('accept', 'accept', 'accept')
      let accepted = 0
      for (let i = 1; i <= 20; i++) {
        const { batch } = spans(i)
        for (let attempt = 0; attempt < 50; attempt++) {
          for (const consumer of consumers) consumer.answer(next() < 0.5 ? 'accept' : 'full')
          const outcome = fanOut.consume(batch) as Outcome
          if (outcome.kind !== 'refused') accepted += i
          expect(ledger.forwarded + ledger.held).toBe(accepted)
          if (outcome.kind !== 'refused') break
          clock.advanceBy(next() * 200)
        }
      }
      for (const consumer of consumers) consumer.answer('accept')
      clock.advanceBy(1000)
      const sizes = consumers.map((each) => each.taken.map((batch) => batch.itemCount))
      expect(sizes[1]).toEqual(sizes[0])
      expect(sizes[2]).toEqual(sizes[0])
      expect(new Set(sizes[0]).size).toBe(sizes[0]!.length)
      expect(ledger).toMatchObject({ forwarded: accepted, held: 0 })
    }
  })

  it('waits for branches that answer later and settles them as one', async () => {
    const { fanOut, consumers, ledger, clock } = exitTo('later', 'accept')
    const outcome = fanOut.consume(spans(3).batch)
    expect(ledger).toMatchObject({ forwarded: 0, held: 0 })
    consumers[0]!.answer('full')
    await consumers[0]!.settle()
    expect(kindOf(await outcome)).toBe('accepted')
    expect(ledger).toMatchObject({ forwarded: 0, held: 3 })
    consumers[0]!.answer('accept')
    clock.advanceBy(100)
    expect(ledger).toMatchObject({ forwarded: 3, held: 0 })
  })

  it('gives up at the deadline, and says so in the ledger', async () => {
    const { fanOut, clock, ledger } = exitTo('accept', 'full')
    const { batch, isReleased } = spans(3)
    fanOut.consume(batch)
    batch.release()
    const drained = fanOut.drain(clock.nowMs() + 250)
    for (let i = 0; i < 5; i++) {
      clock.advanceBy(100)
      await null
      await null
    }
    await drained
    expect(ledger).toMatchObject({ forwarded: 0, held: 0, dropped: new Map([['shutdown', 3]]) })
    expect(isReleased()).toBe(true)
  })

  it('gives each branch edits of its own where branches edit', () => {
    const clock = new VirtualClock()
    const consumers = [new ScriptedConsumer(), new ScriptedConsumer()]
    const books = new EntryBooks(new PipelineLedger())
    const branches = consumers.map((each) => new Branch('pipeline', each, books, { clock, logger: SILENT_LOGGER }))
    const { batch } = spans(2)
    new FanOut(branches, books, true).consume(batch)
    const [first, second] = consumers.map((each) => each.taken[0] as Batch as TracesBatch)
    expect(first).not.toBe(second)
    expect(first!.table).toBe(second!.table)
  })
})

function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) / 2 ** 24
  }
}
