import { describe, expect, it } from '@jest/globals'
import { LoadSequence, RequestSlot } from '../../../bench/load/fresh-request.ts'
import { TracesBatch } from '../../../component/batch.ts'
import { ByteBudget, PRESSURE_SHARE } from '../../../component/budget.ts'
import { ACCEPTED } from '../../../component/consumer.ts'
import { RefCache } from '../../../otlp/resource-cache.ts'
import { TraceState } from '../../../otlp/trace-index.ts'
import { factory as contextPropagation } from '../../../processors/context-propagation/context-propagation.ts'
import { configSchema } from '../../../processors/trace-window/config.ts'
import { factory as traceWindow } from '../../../processors/trace-window/trace-window.ts'
import { scan, tracesBatch } from '../../support/scan.ts'
import { testProcessorSettings } from '../../support/test-settings.ts'

/** Of the benchmark's load: six groups of traces, each from four services. */
const REQUESTS = 24
const BUDGET_BYTES = 64 * 1024 * 1024

/** A window, the detector of broken contexts behind it, and what leaves both. */
async function windowBeforeDetector(config: Record<string, unknown> = {}) {
  const budget = new ByteBudget(BUDGET_BYTES)
  const settings = testProcessorSettings('trace_window', 'traces', { budget, recorded: true })
  const states: number[] = []
  let bytes = 0
  const detector = contextPropagation.create.traces!(settings, contextPropagation.config.parse({}), {
    consume(batch) {
      states.push(...(batch.traces?.state ?? []))
      bytes += batch.encode().length
      return ACCEPTED
    },
  })
  const window = traceWindow.create.traces!(settings, configSchema.parse(config), detector)
  await detector.start()
  await window.start()
  const evicted = () =>
    Object.assign({}, ...settings.findings.sections.map((section) => section.limits?.() ?? {})).evicted_traces
  return { settings, budget, window, states, evicted, bytesOut: () => bytes }
}

/** 20 traces, a second apart: a root, and the span of another service whose parent never comes. */
function sendOrphans({ settings, window }: Awaited<ReturnType<typeof windowBeforeDetector>>): void {
  for (let traceId = 1; traceId <= 20; traceId++) {
    const startNano = BigInt(settings.clock.nowMs()) * 1_000_000n
    const span = { traceId, startNano, endNano: startNano + 1000n, kind: 'server' } as const
    window.consume(
      tracesBatch([
        { service: 'shop', spans: [{ ...span, spanId: 1 }] },
        { service: 'cart', spans: [{ ...span, spanId: 2, parentId: 9 }] },
      ]),
    )
    settings.clock.advanceBy(1000)
  }
  settings.clock.advanceBy(120_000)
}

const rules = ({ settings }: Awaited<ReturnType<typeof windowBeforeDetector>>) =>
  new Set(settings.findings.reports.filter((report) => report.confidence >= 0.8).map((report) => report.rule))

describe('traces that have to leave the window early', () => {
  it('are orphans when they need not: the control', async () => {
    const chain = await windowBeforeDetector()
    sendOrphans(chain)
    expect(new Set(chain.states)).toEqual(new Set([TraceState.incomplete]))
    expect(chain.evicted()).toBe(0)
    expect(rules(chain)).toEqual(new Set(['CTX-001']))
  })

  it('for the byte budget, at 80 % of it, are not judged and counted', async () => {
    const chain = await windowBeforeDetector({ max_bytes: 100 * BUDGET_BYTES })
    chain.budget.take(BUDGET_BYTES * PRESSURE_SHARE)
    sendOrphans(chain)
    expect(chain.states).toEqual(Array(20).fill(TraceState.unknown))
    expect(chain.evicted()).toBe(20)
    expect(rules(chain)).toEqual(new Set())
  })

  it('stay below 80 % of the budget', async () => {
    const chain = await windowBeforeDetector({ max_bytes: 100 * BUDGET_BYTES })
    // The window's own columns draw on the budget too.
    chain.budget.take(BUDGET_BYTES * 0.7)
    sendOrphans(chain)
    expect(chain.evicted()).toBe(0)
  })

  it.each([
    ['max_bytes', { max_bytes: 1 }, 20],
    ['max_traces', { max_traces: 1 }, 19],
  ])('for %s are not judged and counted', async (_, config, early) => {
    const chain = await windowBeforeDetector(config)
    sendOrphans(chain)
    expect(chain.evicted()).toBe(early)
    expect(chain.states.filter((state) => state === TraceState.unknown)).toHaveLength(early)
    const judged = chain.settings.findings.reports.map((report) => report.occurrences)
    expect(Math.max(0, ...judged)).toBe(20 - early)
  })
})

describe('what leaves the window', () => {
  it('is at most 1.05 times what came in, on the load of the benchmark', async () => {
    const chain = await windowBeforeDetector()
    const { settings, window } = chain
    const slot = new RequestSlot(new LoadSequence(() => settings.clock.nowMs()), 0)
    const refs = new RefCache()
    let bytesIn = 0
    let spans = 0
    for (let request = 0; request < REQUESTS; request++) {
      // The slot reuses its buffers; the first five bytes are gRPC's.
      const bytes = Uint8Array.from(slot.next().subarray(5))
      bytesIn += bytes.length
      const batch = new TracesBatch(scan(bytes, refs))
      spans += batch.itemCount
      window.consume(batch)
      settings.clock.advanceBy(20)
    }
    settings.clock.advanceBy(60_000)
    expect(spans).toBe(REQUESTS * 512)
    expect(settings.ledger.held).toBe(0)
    expect(chain.bytesOut() / bytesIn).toBeGreaterThan(0.9)
    expect(chain.bytesOut() / bytesIn).toBeLessThanOrEqual(1.05)
  })
})
