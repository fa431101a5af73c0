import type { TracesBatch } from '../component/batch.ts'
import { SpanEdits } from '../otlp/span-edits.ts'

/** Says on a span what was found about it: one more entry in `blindspot.rules` and, in the same place, `blindspot.causes`. */
export function markSpan(batch: TracesBatch, row: number, rule: string, cause: string): void {
  batch.edits ??= new SpanEdits(batch.table)
  batch.edits.appendToStringArray(row, 'blindspot.rules', rule)
  batch.edits.appendToStringArray(row, 'blindspot.causes', cause)
}
