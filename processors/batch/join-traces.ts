import { TracesBatch } from '../../component/batch.ts'
import type { ByteBudget } from '../../component/budget.ts'
import { ownedSource } from '../../component/owned-source.ts'
import { type BufferMemory, concatenated } from '../../otlp/buffer-memory.ts'
import { SpanGatherer } from '../../otlp/gather-spans.ts'
import type { ResourceRef, ScopeRef } from '../../otlp/resource.ts'
import { Column, SpanTable } from '../../otlp/span-table.ts'
import type { TraceIndex } from '../../otlp/trace-index.ts'

/** Columns that are offsets into the bytes of the row's source. */
const OFFSETS = [Column.recordStart, Column.bodyStart, Column.bodyEnd, Column.nameStart] as const

/**
 * One batch of the spans of several. Its sources carry a reference that is the caller's; the parts keep theirs.
 *
 * Requests that came in whole and that nobody edited are put one behind the other: repeated fields of concatenated
 * protobuf messages add up, so the bytes are a request again, and unknown fields stay. All else keeps its bytes where
 * they are and is regrouped by resource and scope when it is encoded.
 */
export function joinTraces(parts: readonly TracesBatch[], budget: ByteBudget): TracesBatch {
  const whole = parts.every(
    ({ table, traces, edits }) => table.wholeSource && traces === null && (edits?.isEmpty ?? true),
  )
  return whole ? concatenate(parts, budget) : collect(parts, budget.memory)
}

function concatenate(parts: readonly TracesBatch[], budget: ByteBudget): TracesBatch {
  const { memory } = budget
  const requests = parts.map(({ table }) => table.sources[0]!.bytes)
  const table = new SpanTable(countRows(parts), memory)
  table.sources.push(ownedSource(concatenated(requests, memory), budget))
  const refs = new RefIndex(table)
  let base = 0
  for (const part of parts) {
    for (let row = 0; row < part.table.count; row++) {
      const to = table.addRowFrom(part.table, row)
      refs.set(to, part.table, row)
      table.set(to, Column.source, 0)
      for (const column of OFFSETS) table.set(to, column, part.table.get(row, column) + base)
    }
    base += part.table.sources[0]!.bytes.length
  }
  table.wholeSource = true
  return new TracesBatch(table)
}

/** Collects rows where they are; dropped ones stay behind. */
function collect(parts: readonly TracesBatch[], memory: BufferMemory): TracesBatch {
  const gatherer = new SpanGatherer(countRows(parts), memory)
  const keepsTraces = parts.every(({ traces, edits }) => traces !== null && (edits?.droppedCount ?? 0) === 0)
  for (const { table, edits } of parts) {
    gatherer.from(table, edits)
    gatherer.addRows(0, table.count)
  }
  return new TracesBatch(gatherer.table, keepsTraces ? joinIndexes(parts) : null, gatherer.edits)
}

/** Cuts the parts into batches of at most `maxItems` spans. Each carries references that are the caller's. */
export function splitTraces(parts: readonly TracesBatch[], maxItems: number, memory: BufferMemory): TracesBatch[] {
  const batches: TracesBatch[] = []
  let gatherer = new SpanGatherer(maxItems, memory)
  const finish = () => batches.push(new TracesBatch(gatherer.table, null, gatherer.edits))
  for (const { table, edits } of parts) {
    gatherer.from(table, edits)
    for (let row = 0; row < table.count; row++) {
      gatherer.addRow(row)
      if (gatherer.count < maxItems) continue
      finish()
      gatherer = new SpanGatherer(maxItems, memory)
      gatherer.from(table, edits)
    }
  }
  if (gatherer.count > 0) finish()
  else gatherer.table.release()
  return batches
}

/** Resources and scopes of several tables in one; equal ones, which the cache makes the same object, once. */
class RefIndex {
  readonly #table: SpanTable
  readonly #resources = new Map<ResourceRef, number>()
  readonly #scopes = new Map<ScopeRef, number>()

  constructor(table: SpanTable) {
    this.#table = table
  }

  set(row: number, from: SpanTable, fromRow: number): void {
    this.#table.set(row, Column.resource, indexOf(this.#resources, this.#table.resources, from.resourceOf(fromRow)))
    this.#table.set(row, Column.scope, indexOf(this.#scopes, this.#table.scopes, from.scopeOf(fromRow)))
  }
}

function indexOf<T>(known: Map<T, number>, list: T[], value: T): number {
  let index = known.get(value)
  if (index === undefined) {
    index = list.push(value) - 1
    known.set(value, index)
  }
  return index
}

function joinIndexes(parts: readonly TracesBatch[]): TraceIndex {
  const rows = countRows(parts)
  const traceCount = parts.reduce((sum, part) => sum + part.traces!.traceCount, 0)
  const joined = {
    traceCount,
    firstRow: new Uint32Array(traceCount + 1),
    parentRow: new Int32Array(rows),
    state: new Uint8Array(traceCount),
  }
  let row = 0
  let trace = 0
  for (const { table, traces } of parts) {
    const { firstRow, parentRow, state } = traces!
    for (let i = 0; i < traces!.traceCount; i++) joined.firstRow[trace + i] = firstRow[i]! + row
    joined.state.set(state.subarray(0, traces!.traceCount), trace)
    // Negative values are no rows but what is known of the parent.
    for (let i = 0; i < table.count; i++)
      joined.parentRow[row + i] = parentRow[i]! < 0 ? parentRow[i]! : parentRow[i]! + row
    row += table.count
    trace += traces!.traceCount
  }
  joined.firstRow[traceCount] = rows
  return joined
}

function countRows(parts: readonly TracesBatch[]): number {
  return parts.reduce((sum, part) => sum + part.table.count, 0)
}
