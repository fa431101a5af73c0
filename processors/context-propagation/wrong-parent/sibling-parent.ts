import { Column, ROW_WORDS } from '../../../otlp/span-table.ts'
import { Parent } from '../../../otlp/trace-index.ts'
import { type CallFacts, Role } from '../call-facts.ts'

/** A parent that lasted less did no work of its own: it was ended at once, which is LIFE-003. */
const MIN_STEP_NANO = 10_000
/** Steps that are looked past: each was begun with the context of the one before. */
const MAX_STEPS = 32

/**
 * Of a span whose parent had ended before it began: the nearest ancestor in its process that still ran then and waited
 * for it; −1 where there is none.
 */
export function waitingAncestor(facts: CallFacts, row: number): number {
  const { table, traces } = facts.batch
  const parentRow = traces!.parentRow
  let ancestor = parentRow[row]!
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    if (!isSameProcess(facts, row, ancestor)) return -1
    if (table.differenceNano(row, Column.start, ancestor, Column.end) <= 0) break
    if ((facts.roles[ancestor]! & Role.entry) !== 0 || table.durationNano(ancestor) < MIN_STEP_NANO) return -1
    ancestor = parentRow[ancestor]!
    if (ancestor < 0) return -1
  }
  const waits = ancestor !== parentRow[row] && table.differenceNano(row, Column.end, ancestor, Column.end) <= 0
  return waits ? ancestor : -1
}

/**
 * Whether the ancestor that waits for a span did nothing else meanwhile, so that the span belongs below it.
 *
 *     checkout          ████████████████████████   the ancestor that waits
 *       load cart         █████                    the parent, ended
 *         charge card            ████████          the span: as a step after "load cart" it fits
 *
 * Work that was handed over and goes on by itself outlives the ancestor, overlaps its later steps, or at times begins
 * before its parent has ended. What the ancestor had under way before the parent ended tells nothing: it runs beside both.
 */
export function isStepOf(
  facts: CallFacts,
  row: number,
  ancestor: number,
  traceFirst: number,
  traceEnd: number,
): boolean {
  const parentRow = facts.batch.traces!.parentRow
  for (let other = traceFirst; other < traceEnd; other++)
    if (other !== row && parentRow[other] === ancestor && isLaterStep(facts, other, row)) return false
  return true
}

/** Whether all that a span hangs below in its process had ended when it began, the request among it. */
export function isAfterRequest(facts: CallFacts, row: number): boolean {
  const { table, traces } = facts.batch
  let ancestor = traces!.parentRow[row]!
  let isBelowEntry = false
  for (let steps = 0; steps < MAX_STEPS && ancestor >= 0 && isSameProcess(facts, row, ancestor); steps++) {
    if (table.differenceNano(row, Column.start, ancestor, Column.end) <= 0) return false
    isBelowEntry ||= (facts.roles[ancestor]! & Role.entry) !== 0
    ancestor = traces!.parentRow[ancestor]!
  }
  // Where the caller has left before, only that work enters there tells that no more of the process is above.
  return ancestor === Parent.none || (ancestor >= 0 ? !isSameProcess(facts, row, ancestor) : isBelowEntry)
}

function isSameProcess({ batch: { table } }: CallFacts, row: number, other: number): boolean {
  return table.words[row * ROW_WORDS + Column.resource] === table.words[other * ROW_WORDS + Column.resource]
}

/** Whether another child of the ancestor overlaps a span and began when the span's parent had ended. */
function isLaterStep({ batch: { table, traces } }: CallFacts, other: number, row: number): boolean {
  return (
    table.differenceNano(row, Column.start, other, Column.end) < 0 &&
    table.differenceNano(other, Column.start, row, Column.end) < 0 &&
    table.differenceNano(other, Column.start, traces!.parentRow[row]!, Column.end) >= 0
  )
}
