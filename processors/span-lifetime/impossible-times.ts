import { Column } from '../../otlp/span-table.ts'
import type { SpanLifetimeConfig } from './config.ts'
import type { SpanRule } from './span-rule.ts'

/**
 * LIFE-005 impossible_times: a span that ends before it starts, starts in the future, or takes longer than any work
 * should. Assumes that the gateway's own clock is right; spans that carry events are streams and may take long.
 */
export function impossibleTimes(config: SpanLifetimeConfig): SpanRule {
  const maxDurationNano = config.max_duration * 1e6
  return {
    rule: 'LIFE-005',
    level: 'error',
    confidence: 0.99,
    check({ batch: { table } }, row, nowMs) {
      const durationNano = table.durationNano(row)
      if (durationNano < 0)
        return { cause: 'end_before_start', relatedRow: null, values: { duration_seconds: durationNano / 1e9 } }
      const aheadMs = table.timeMs(row, Column.start) - nowMs
      if (aheadMs > config.future_tolerance)
        return { cause: 'in_the_future', relatedRow: null, values: { ahead_seconds: aheadMs / 1000 } }
      if (durationNano > maxDurationNano && table.eventCount(row) === 0)
        return { cause: 'too_long', relatedRow: null, values: { duration_seconds: durationNano / 1e9 } }
      return null
    },
    message: (cause, service, operation, occurrences, population) =>
      `${occurrences} of ${population} spans "${operation}" of ${service} have impossible times: ${cause.replaceAll('_', ' ')}.`,
  }
}
