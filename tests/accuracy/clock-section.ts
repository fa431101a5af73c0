import { type ClockErrors, meanNano, pooled } from './clock-errors.ts'
import { quantile } from './figures.ts'
import type { Healthy, Result } from './measure.ts'
import { groupBy } from './model/recording.ts'
import { table } from './table.ts'

/** What is promised, in milliseconds. */
const TARGETS_MS = { mean: 0.1, p95: 0.2 } as const

/** By how much estimated offsets are wrong: against what was injected, and on recordings as they are. */
export function clockSection(results: readonly Result[], healthy: readonly Healthy[]): string {
  return [
    `Targets: ${TARGETS_MS.mean} ms in the mean and ${TARGETS_MS.p95} ms at the 95th percentile, drift and steps included. The error at each span of the clock that was made wrong, alone in its run: how far the estimate moved from that of the unbroken recording, less what was injected.`,
    injectedTable(results),
    'What remains on recordings as they are: the estimate at each span against the median over the middles of all calls between its clock and the one with most spans. Both take it that calls take as long there as back, so this says less. And where callers give up and callees go on, as with adservice in onlineboutique-cpu-fault, that median is wrong, not the estimate: it says 184 ms, and by the bounds of its calls the offset lies between −1.6 and 1.3 ms.',
    table(
      ['recording', ...COLUMNS],
      healthy
        .filter(({ clockErrors }) => clockErrors.spans > 0)
        .map(({ recording, clockErrors }) => [recording, ...cells(clockErrors)]),
    ),
  ].join('\n\n')
}

/** By class and recording. */
export function injectedTable(results: readonly Result[]): string {
  const runs = results.filter(({ clockErrors }) => clockErrors !== null)
  const groups = groupBy(runs, ({ recipes, recording }) => `${recipes[0]}\0${recording}`)
  return table(
    ['class', 'recording', 'runs', ...COLUMNS],
    [...groups].map(([key, group]) => [
      ...key.split('\0'),
      String(group.length),
      ...cells(pooled(group.map(({ clockErrors }) => clockErrors!))),
    ]),
  )
}

const COLUMNS: readonly string[] = ['spans', 'nothing said', 'mean, ms', '95 %, ms']

function cells(errors: ClockErrors): string[] {
  const { percentilesNano, spans, unsaid } = errors
  if (percentilesNano.length === 0) return [String(spans), String(unsaid), '–', '–']
  return [String(spans), String(unsaid), ms(meanNano(errors)), ms(quantile(percentilesNano, 0.95))]
}

function ms(nano: number): string {
  return (nano / 1e6).toFixed(3)
}
