import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { retryOnFailure, sendingQueue } from '../../../exporters/sending/config.ts'
import { SendingExporter } from '../../../exporters/sending/sending-exporter.ts'
import type { ExporterLedger } from '../../../telemetry/ledger.ts'
import { opaqueTraces } from '../../support/batches.ts'
import { testExporterSettings } from '../../support/test-settings.ts'
import { FakeSender, REJECTED, SENT, settle, unavailable } from './fake-sender.ts'

const step = fc.oneof(
  fc.record({ kind: fc.constant('offer' as const), items: fc.nat(20), prepared: fc.boolean() }),
  fc.record({
    kind: fc.constant('finish' as const),
    which: fc.nat(20),
    result: fc.constantFrom(SENT, REJECTED, unavailable(), unavailable(5000)),
  }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 500, 5000, 60_000) }),
)

const configs = fc.record({
  num_consumers: fc.integer({ min: 1, max: 4 }),
  queue_size: fc.integer({ min: 1, max: 30 }),
  sizer: fc.constantFrom('requests', 'items', 'bytes'),
  block_on_overflow: fc.boolean(),
  wait_for_result: fc.boolean(),
})

const sum = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a + b, 0)

function expectBalance(ledger: ExporterLedger): void {
  expect(ledger.sent + ledger.held + ledger.failed + sum(ledger.dropped.values())).toBe(ledger.accepted)
  expect(ledger.held).toBeGreaterThanOrEqual(0)
}

describe('the ledger of a sending exporter', () => {
  it('balances after every step of any run of offers, answers and waits, and nothing is held at the end', async () => {
    await fc.assert(
      fc.asyncProperty(configs, fc.array(step, { maxLength: 60 }), async (queue, steps) => {
        const settings = testExporterSettings('otlp_grpc')
        const ledger = settings.ledgers.traces
        const sender = new FakeSender()
        const config = {
          sending_queue: sendingQueue.parse(queue),
          retry_on_failure: retryOnFailure.parse({}),
          max_request_bytes: 0,
        }
        const exporter = new SendingExporter(settings, config, sender, () => 0.3)
        const answers: unknown[] = []
        let offered = 0
        let alive = 0
        for (const action of steps) {
          switch (action.kind) {
            case 'offer': {
              offered += action.items
              alive++
              const batch = opaqueTraces(new Uint8Array(10), action.items, () => alive--)
              const answer = Promise.resolve(exporter.consume(batch)).then((outcome) => {
                answers.push(outcome)
                batch.release()
              })
              void answer
              if (action.prepared)
                for (const { request } of sender.open) if (!request.prepared) request.prepare(new Uint8Array(5))
              break
            }
            case 'finish':
              sender.open[action.which % Math.max(1, sender.open.length)]?.finish(action.result)
              break
            case 'wait':
              settings.clock.advanceBy(action.ms)
          }
          expectBalance(ledger)
          await settle()
          expectBalance(ledger)
          expect(ledger.inFlightRequests).toBe(sender.open.length)
        }
        const stopped = exporter.stop(settings.clock.nowMs() + 1000)
        settings.clock.advanceBy(1000)
        await stopped
        await settle()
        expectBalance(ledger)
        expect(ledger).toMatchObject({ held: 0, queueSize: 0, inFlightRequests: 0 })
        expect(ledger.accepted + ledger.enqueueFailed).toBe(offered)
        expect(answers).toHaveLength(steps.filter((action) => action.kind === 'offer').length)
        expect([alive, settings.budget.usedBytes]).toEqual([0, 0])
      }),
      { numRuns: 300 },
    )
  })
})
