import { type BufferMemory, bytesFrom } from './buffer-memory.ts'
import { copyBytes } from './copy-bytes.ts'
import { EditedSpans } from './edited-spans.ts'
import { varintLength, writeVarint } from './encode-fields.ts'
import type { ResourceRef } from './resource.ts'
import type { SpanEdits } from './span-edits.ts'
import { SpanGroups } from './span-groups.ts'
import { Column, ROW_WORDS, type SpanTable } from './span-table.ts'
import { WireType } from './wire.ts'

const RESOURCE_SPANS = (1 << 3) | WireType.bytes
const SCOPE_SPANS = (2 << 3) | WireType.bytes

/**
 * A request of spans that came in several: one ResourceSpans for each resource, one ScopeSpans for each scope in it, in
 * the order of their first spans; the spans of a scope stay in the order of their rows. Resources and scopes are the
 * same when their bytes are. What the requests themselves had beside resource_spans does not come along.
 * Of the rows from `first` to before `end`, where not all are wanted.
 *
 *     ExportTraceServiceRequest  1 resource_spans
 *     ResourceSpans              head (all fields but 2), 2 scope_spans
 *     ScopeSpans                 head (all fields but 2), 2 spans
 */
export function regroupSpans(
  table: SpanTable,
  edits: SpanEdits | null,
  memory?: BufferMemory,
  first = 0,
  end = table.count,
): Uint8Array {
  const edited = edits && new EditedSpans(table, edits)
  collect(table, edits, edited, first, end)
  return write(table, edits, edited, memory)
}

/** Of the table that is being regrouped. */
const groups = new SpanGroups()

function collect(
  table: SpanTable,
  edits: SpanEdits | null,
  edited: EditedSpans | null,
  first: number,
  end: number,
): void {
  const { words } = table
  groups.begin(table, end - first)
  for (let row = first; row < end; row++) {
    if (edits?.isDropped(row)) continue
    const at = row * ROW_WORDS
    const bytes = edits?.isChanged(row)
      ? edited!.recordSize(row)
      : words[at + Column.bodyEnd]! - words[at + Column.recordStart]!
    groups.add(row, words[at + Column.resource]!, words[at + Column.scope]!, bytes)
  }
}

function write(table: SpanTable, edits: SpanEdits | null, edited: EditedSpans | null, memory?: BufferMemory): Buffer {
  const { resources, scopes } = table
  for (let group = 0; group < groups.groupCount; group++)
    groups.bytes[group]! += scopes[groups.scope[group]!]!.head.length
  let size = 0
  for (let r = groups.firstResource; r >= 0; r = groups.nextResource[r]!) {
    const bytes = resourceSpansBytes(resources[r]!, r)
    size += 1 + varintLength(bytes) + bytes
  }
  const out = bytesFrom(memory, size)
  let at = 0
  for (let r = groups.firstResource; r >= 0; r = groups.nextResource[r]!) {
    at = writeHead(out, at, RESOURCE_SPANS, resourceSpansBytes(resources[r]!, r), resources[r]!.head)
    for (let group = groups.firstGroup[r]!; group >= 0; group = groups.nextGroup[group]!) {
      at = writeHead(out, at, SCOPE_SPANS, groups.bytes[group]!, scopes[groups.scope[group]!]!.head)
      at = writeSpans(groups.firstRow[group]!, table, edits, edited, out, at)
    }
  }
  return out
}

/** Length of the body. */
function resourceSpansBytes({ head }: ResourceRef, resource: number): number {
  let bytes = head.length
  for (let group = groups.firstGroup[resource]!; group >= 0; group = groups.nextGroup[group]!)
    bytes += 1 + varintLength(groups.bytes[group]!) + groups.bytes[group]!
  return bytes
}

/** Writes the spans of a group. Those that stand one behind the other in their request are copied at once. */
function writeSpans(
  firstRow: number,
  { words, sources }: SpanTable,
  edits: SpanEdits | null,
  edited: EditedSpans | null,
  out: Uint8Array,
  at: number,
): number {
  let source = 0
  let from = 0
  let to = 0
  for (let row = firstRow; row >= 0; row = groups.nextRow[row]!) {
    const r = row * ROW_WORDS
    const isChanged = edits?.isChanged(row) === true
    const continues = words[r + Column.recordStart] === to && words[r + Column.source] === source
    if (isChanged || !continues) {
      if (to > from) at = copyBytes(sources[source]!.bytes, from, to, out, at)
      source = words[r + Column.source]!
      from = words[r + Column.recordStart]!
      to = from
    }
    if (isChanged) {
      at = edited!.write(row, out, at)
      from = words[r + Column.bodyEnd]!
    }
    to = words[r + Column.bodyEnd]!
  }
  return to > from ? copyBytes(sources[source]!.bytes, from, to, out, at) : at
}

function writeHead(out: Uint8Array, at: number, tag: number, length: number, head: Uint8Array): number {
  out[at] = tag
  at = writeVarint(out, at + 1, length)
  return copyBytes(head, 0, head.length, out, at)
}
