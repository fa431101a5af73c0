import { describe, expect, it } from '@jest/globals'
import type { Outcome } from '../../../component/consumer.ts'
import { BatchProcessor } from '../../../processors/batch/batch.ts'
import { configSchema } from '../../../processors/batch/config.ts'
import { logsBatch } from '../../support/batches.ts'
import { type Answer, ScriptedConsumer } from '../../support/consumers.ts'
import { testProcessorSettings } from '../../support/test-settings.ts'

function batchTo(answer: Answer, config: object = {}) {
  const settings = testProcessorSettings('batch', 'logs')
  const next = new ScriptedConsumer(answer)
  const processor = new BatchProcessor(settings, configSchema.parse(config), next)
  const records = (count: number) => logsBatch(...Array.from({ length: count }, (_, i) => String(i)))
  return { ...settings, next, processor, records, sizes: () => next.taken.map((batch) => batch.itemCount) }
}

function codeOf(outcome: Outcome): string {
  return outcome.kind === 'refused' ? outcome.error.code : outcome.kind
}

describe('batch', () => {
  it('hands on when it is full', () => {
    const { processor, records, sizes } = batchTo('accept', { send_batch_size: 5 })
    processor.consume(records(2))
    processor.consume(records(2))
    expect(sizes()).toEqual([])
    processor.consume(records(2))
    expect(sizes()).toEqual([6])
  })

  it('hands on when its time is up, counted from the first request', () => {
    const { processor, records, sizes, clock } = batchTo('accept')
    processor.consume(records(1))
    clock.advanceBy(150)
    processor.consume(records(1))
    clock.advanceBy(49)
    expect(sizes()).toEqual([])
    clock.advanceBy(1)
    expect(sizes()).toEqual([2])
    clock.advanceBy(10_000)
    expect(sizes()).toEqual([2])
  })

  it('waits for nothing with a timeout of 0', () => {
    const { processor, records, sizes } = batchTo('accept', { timeout: '0' })
    processor.consume(records(1))
    processor.consume(records(2))
    expect(sizes()).toEqual([1, 2])
  })

  it('waits for the timeout alone with a size of 0', () => {
    const { processor, records, sizes, clock } = batchTo('accept', { send_batch_size: 0 })
    for (let i = 0; i < 10; i++) processor.consume(records(1000))
    expect(sizes()).toEqual([])
    clock.advanceBy(200)
    expect(sizes()).toEqual([10_000])
  })

  it('splits what is larger than the largest batch', () => {
    const { processor, records, sizes } = batchTo('accept', { send_batch_size: 4, send_batch_max_size: 4 })
    processor.consume(records(3))
    processor.consume(records(6))
    expect(sizes()).toEqual([4, 4, 1])
  })

  it('keeps what is refused, stops intake, and goes on when it is taken', () => {
    const { processor, records, sizes, next, clock, ledger } = batchTo('full', { send_batch_size: 2 })
    expect(codeOf(processor.consume(records(2)))).toBe('accepted')
    expect(codeOf(processor.consume(records(1)))).toBe('queue_full')
    expect(ledger).toMatchObject({ held: 2 })
    clock.advanceBy(5000)
    expect(ledger).toMatchObject({ held: 2 })
    next.answer('accept')
    clock.advanceBy(100)
    expect(sizes()).toEqual([2])
    expect(ledger).toMatchObject({ held: 0 })
    expect(codeOf(processor.consume(records(2)))).toBe('accepted')
  })

  it('drops what is refused for good, and counts it', () => {
    const { processor, records, ledger } = batchTo('reject', { send_batch_size: 2 })
    processor.consume(records(2))
    expect(ledger).toMatchObject({ held: 0, dropped: new Map([['rejected', 2]]) })
    expect(codeOf(processor.consume(records(2)))).toBe('accepted')
  })

  it('fills one more batch while the next stage takes its time, and then refuses', async () => {
    const { processor, records, sizes, next, ledger } = batchTo('later', { send_batch_size: 2 })
    expect(codeOf(processor.consume(records(2)))).toBe('accepted')
    expect(codeOf(processor.consume(records(2)))).toBe('accepted')
    expect(codeOf(processor.consume(records(1)))).toBe('queue_full')
    expect(next.offers).toBe(1)
    await next.settle()
    expect(next.offers).toBe(2)
    await next.settle()
    expect(sizes()).toEqual([2, 2])
    expect(ledger).toMatchObject({ held: 0 })
  })

  it('gives every request back when its batch has gone', () => {
    const { processor, logs, next } = (() => {
      const made = batchTo('accept', { send_batch_size: 3 })
      return { ...made, logs: [made.records(1), made.records(1), made.records(1)] }
    })()
    for (const batch of logs) {
      processor.consume(batch)
      batch.release()
    }
    expect(next.takenItems).toBe(3)
    expect(logs.map((batch) => batch.source.references)).toEqual([0, 0, 0])
  })

  it('hands on everything when it is stopped, and takes nothing more', async () => {
    const { processor, records, sizes, clock } = batchTo('accept')
    processor.consume(records(3))
    await processor.stop(clock.nowMs() + 1000)
    expect(sizes()).toEqual([3])
    expect(codeOf(processor.consume(records(1)))).toBe('shutting_down')
  })

  it('gives up at the deadline of the stop what is still refused', async () => {
    const { processor, records, clock, ledger } = batchTo('full')
    processor.consume(records(3))
    const stopped = processor.stop(clock.nowMs() + 250)
    for (let i = 0; i < 4; i++) {
      clock.advanceBy(100)
      for (let j = 0; j < 5; j++) await null
    }
    await stopped
    expect(ledger).toMatchObject({ held: 0, dropped: new Map([['shutdown', 3]]) })
  })
})
