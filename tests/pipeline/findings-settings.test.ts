import { describe, expect, it } from '@jest/globals'
import { VirtualClock } from '../../component/clock.ts'
import type { FindingReport } from '../../component/finding.ts'
import { Service } from '../../pipeline/service.ts'
import { SILENT_LOGGER } from '../../telemetry/logger.ts'
import { report, SERVICE } from '../findings/support/reports.ts'
import { configOf, problemsOf } from '../support/config.ts'

const CONFIG = (findings: string) => `receivers: { otlp: { protocols: { grpc: } } }
exporters: { nop: }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { traces: { receivers: [otlp], exporters: [nop] } }
${findings}`

/** The findings of a gateway with these lines in `service`, on a clock that the test moves; it need not listen. */
async function findingsOf(lines: string) {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1))
  const { findings } = await Service.create(configOf(CONFIG(lines)), { version: 'test', logger: SILENT_LOGGER, clock })
  const publish = (overrides: Partial<FindingReport>) => findings.publish([report(overrides)])
  const states = () => findings.findings().map(({ cause, state }) => `${cause}: ${state}`)
  const limits = () => Object.assign({}, ...findings.sections().map((section) => section.limits?.() ?? {}))
  return { clock, publish, states, limits, findings }
}

const placeNumber = (i: number): Partial<FindingReport> => ({ place: { ...SERVICE, service: `service-${i}` } })

describe('service.findings', () => {
  it('min_confidence says how sure a finding must be to be published', async () => {
    const byDefault = await findingsOf('')
    byDefault.publish({ confidence: 0.79 })
    byDefault.publish({ ...placeNumber(1), confidence: 0.8 })
    expect(byDefault.states()).toHaveLength(1)

    const open = await findingsOf('  findings: { min_confidence: 0.6 }')
    open.publish({ confidence: 0.6 })
    open.publish({ ...placeNumber(1), confidence: 0.59 })
    expect(open.states()).toHaveLength(1)
  })

  it('min_confidence moves nothing about causes: below 0.8 a cause is undetermined', async () => {
    for (const minConfidence of [0.5, 0.95]) {
      const { publish, states } = await findingsOf(`  findings: { min_confidence: ${minConfidence} }`)
      publish({ ...placeNumber(1), cause: 'parent_dropped', confidence: 0.99, causeConfidence: 0.79 })
      publish({ ...placeNumber(2), cause: 'parent_dropped', confidence: 0.99, causeConfidence: 0.8 })
      expect(states().toSorted()).toEqual(['parent_dropped: provisional', 'undetermined: provisional'])
    }
  })

  it.each([
    ['', 600],
    ['  findings: { resolve_after: 1m30s }', 90],
  ])('resolve_after says after how long without news a finding is resolved: "%s"', async (lines, seconds) => {
    const { clock, publish, states } = await findingsOf(lines)
    publish({ state: 'confirmed' })
    clock.advanceBy((seconds - 20) * 1000)
    expect(states()).toEqual(['undetermined: confirmed'])
    clock.advanceBy(40_000)
    expect(states()).toEqual(['undetermined: resolved'])
  })

  it('max_series bounds the series of a metric about findings, and counts what shares the rest', async () => {
    const { publish, limits, findings } = await findingsOf('  findings: { max_series: 10 }')
    for (let i = 0; i < 15; i++) publish(placeNumber(i))
    const [collected] = await findings.collect()
    const metrics = collected!.scopeMetrics.flatMap((scope) => scope.metrics)
    expect(metrics.map(({ dataPoints }) => dataPoints.length)).toEqual([11, 11])
    expect(limits()).toMatchObject({ overflowed_series: expect.any(Number) })
    expect(limits().overflowed_series).toBeGreaterThanOrEqual(5)
  })

  it('max_findings bounds how many are kept', async () => {
    const { publish, states, limits } = await findingsOf('  findings: { max_findings: 100 }')
    for (let i = 0; i < 101; i++) publish(placeNumber(i))
    expect(states().length).toBeLessThanOrEqual(100)
    expect(limits()).toMatchObject({ evicted_findings: 10 })
  })

  it.each([
    ['min_confidence: 80', '6:31 service.findings.min_confidence: must be at most 1 (got 80)'],
    [
      'min_confidence: high',
      '6:31 service.findings.min_confidence: expected a number (got "high"; write a number such as 0.8)',
    ],
    [
      'resolve_after: 10',
      '6:30 service.findings.resolve_after: not a duration (got 10; write a number with a unit such as 500ms, 1s or 1m30s)',
    ],
    ['max_series: 0', '6:27 service.findings.max_series: must be at least 10 (got 0)'],
    ['min_confidnce: 0.8', '6:15 service.findings.min_confidnce: is not known here; did you mean "min_confidence"?'],
  ])('says what is wrong with "%s"', (written, problem) => {
    expect(problemsOf(CONFIG(`  findings: { ${written} }`))).toEqual([problem])
  })
})
