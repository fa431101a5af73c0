import { groupBy, type Recording } from '../model/recording.ts'
import type { Span } from '../model/span.ts'

/** One in a million. */
const CHANCE = 1e-6

/**
 * Whether that many spans lie inside of requests of their processes by no chance: in a process that is nearly always busy
 * any span does, whoever began it.
 */
export function isBeyondChance(recording: Recording, spans: readonly Span[]): boolean {
  const busy = busyShares(recording)
  const log = spans.reduce((sum, span) => sum + Math.log(busy.get(span.source.instance) ?? 1), 0)
  return log <= Math.log(CHANCE)
}

/** By process, the share of its time in which it served requests. */
function busyShares(recording: Recording): Map<string, number> {
  const shares = new Map<string, number>()
  for (const [instance, spans] of groupBy(recording.spans, (span) => span.source.instance)) {
    const served = spans.filter((span) => span.isServed).sort((a, b) => (a.startNano < b.startNano ? -1 : 1))
    if (served.length === 0) continue
    let busyNano = 0n
    let untilNano = served[0]!.startNano
    for (const { startNano, endNano } of served) {
      if (endNano <= untilNano) continue
      busyNano += endNano - startNano
      if (startNano < untilNano) busyNano -= untilNano - startNano
      untilNano = endNano
    }
    shares.set(instance, Number(busyNano) / Math.max(1, Number(untilNano - served[0]!.startNano)))
  }
  return shares
}
