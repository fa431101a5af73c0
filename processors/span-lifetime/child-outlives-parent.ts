import { Column } from '../../otlp/span-table.ts'
import type { SpanLifetimeConfig } from './config.ts'
import type { SpanRule } from './span-rule.ts'

/**
 * LIFE-001 child_outlives_parent: a child ends after its parent by more than the tolerance. Assumes one clock, so it
 * speaks only where child and parent come from the same process (the very same resource): between machines an offset of
 * their clocks looks the same.
 */
export function childOutlivesParent(config: SpanLifetimeConfig): SpanRule {
  const toleranceNano = config.tolerance * 1e6
  return {
    rule: 'LIFE-001',
    level: 'warn',
    confidence: 0.95,
    check(facts, row) {
      const { table, traces } = facts.batch
      const parent = traces!.parentRow[row]!
      if (parent < 0 || table.get(row, Column.resource) !== table.get(parent, Column.resource)) return null
      const overrunNano = table.differenceNano(row, Column.end, parent, Column.end)
      if (overrunNano <= toleranceNano) return null
      // A child that begins after its parent's end is another finding, and impossible times another still.
      if (table.differenceNano(row, Column.start, parent, Column.end) > 0) return null
      return { cause: 'asynchronous_work', relatedRow: parent, values: { overrun_seconds: overrunNano / 1e9 } }
    },
    message: (_cause, service, operation, occurrences, population) =>
      `${occurrences} of ${population} spans "${operation}" of ${service} end after the span that they are part of: work goes on when its parent has already answered.`,
  }
}
