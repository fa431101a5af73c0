import { bytesField, varintLength, writeVarint } from './encode-fields.ts'
import type { RowEdit, SpanEdits } from './span-edits.ts'
import { Column, ROW_WORDS, type SpanTable } from './span-table.ts'
import { WireReader, WireType } from './wire.ts'

const TAG_FIELD_1 = (1 << 3) | WireType.bytes
const TAG_FIELD_2 = (2 << 3) | WireType.bytes

/** The spans of one resource and scope, on their way into one ScopeSpans. */
interface Group {
  readonly resource: number
  readonly scope: number
  readonly rows: number[]
  /** Bytes of the span records. */
  spanBytes: number
}

/**
 * An ExportTraceServiceRequest of the spans in a table. Without edits, a table that is one whole request gives that
 * request's own bytes. Otherwise spans are grouped by resource and scope in the order of their first span, and every
 * record that is not edited is copied as it came, unknown fields included.
 *
 *     ExportTraceServiceRequest  1 resource_spans
 *     ResourceSpans              head (all fields but 2), 2 scope_spans
 *     ScopeSpans                 head (all fields but 2), 2 spans
 */
export function encodeSpans(table: SpanTable, edits: SpanEdits | null): Uint8Array {
  const unedited = edits === null || edits.isEmpty
  if (table.wholeSource && unedited) return table.sources[0]!.bytes
  const records = new Map<number, Uint8Array>()
  if (!unedited) for (const [row, edit] of edits.edited) records.set(row, editedRecord(table, row, edit))
  const groups = groupRows(table, edits, records)
  const rest = table.wholeSource ? fieldsBeside(table.sources[0]!.bytes) : []
  return write(table, groups, records, rest)
}

function groupRows(
  table: SpanTable,
  edits: SpanEdits | null,
  records: ReadonlyMap<number, Uint8Array>,
): Map<number, Group[]> {
  const byResource = new Map<number, Group[]>()
  const words = table.words
  let last: Group | null = null
  for (let row = 0; row < table.count; row++) {
    if (edits?.isDropped(row)) continue
    const at = row * ROW_WORDS
    const resource = words[at + Column.resource]!
    const scope = words[at + Column.scope]!
    if (last === null || last.resource !== resource || last.scope !== scope) {
      let groups = byResource.get(resource)
      if (!groups) {
        groups = []
        byResource.set(resource, groups)
      }
      last = groups.find((group) => group.scope === scope) ?? null
      if (!last) {
        last = { resource, scope, rows: [], spanBytes: 0 }
        groups.push(last)
      }
    }
    last.rows.push(row)
    last.spanBytes += records.get(row)?.length ?? words[at + Column.bodyEnd]! - words[at + Column.recordStart]!
  }
  return byResource
}

function write(
  table: SpanTable,
  byResource: ReadonlyMap<number, Group[]>,
  records: ReadonlyMap<number, Uint8Array>,
  rest: readonly Uint8Array[],
): Uint8Array {
  const scopeBytes = (group: Group) => table.scopes[group.scope]!.head.length + group.spanBytes
  const resourceBytes = (resource: number, groups: readonly Group[]) =>
    groups.reduce(
      (sum, group) => sum + 1 + varintLength(scopeBytes(group)) + scopeBytes(group),
      table.resources[resource]!.head.length,
    )
  let total = rest.reduce((sum, part) => sum + part.length, 0)
  for (const [resource, groups] of byResource) {
    const length = resourceBytes(resource, groups)
    total += 1 + varintLength(length) + length
  }
  const out = Buffer.allocUnsafe(total)
  let at = 0
  for (const [resource, groups] of byResource) {
    out[at++] = TAG_FIELD_1
    at = writeVarint(out, at, resourceBytes(resource, groups))
    at = put(out, at, table.resources[resource]!.head)
    for (const group of groups) {
      out[at++] = TAG_FIELD_2
      at = writeVarint(out, at, scopeBytes(group))
      at = put(out, at, table.scopes[group.scope]!.head)
      for (const row of group.rows) at = putRecord(table, row, records, out, at)
    }
  }
  for (const part of rest) at = put(out, at, part)
  return out
}

function putRecord(
  table: SpanTable,
  row: number,
  records: ReadonlyMap<number, Uint8Array>,
  out: Buffer,
  at: number,
): number {
  const record = records.get(row)
  if (record) return put(out, at, record)
  const start = table.get(row, Column.recordStart)
  const end = table.get(row, Column.bodyEnd)
  const bytes = table.sourceOf(row).bytes
  Buffer.prototype.copy.call(bytes, out, at, start, end)
  return at + end - start
}

function put(out: Uint8Array, at: number, part: Uint8Array): number {
  out.set(part, at)
  return at + part.length
}

/** The record of one edited span: what was cut is left out, what was added stands at the end. */
function editedRecord(table: SpanTable, row: number, edit: RowEdit): Uint8Array {
  const bytes = table.sourceOf(row).bytes
  const reader = new WireReader(bytes)
  reader.at = table.get(row, Column.bodyStart)
  reader.end = table.get(row, Column.bodyEnd)
  const parts: Uint8Array[] = []
  for (let at = reader.at; reader.next(); at = reader.at) {
    const { field } = reader
    const isAttribute = field === 9 && reader.type === WireType.bytes
    reader.skip()
    if (edit.removedFields.has(field)) continue
    if (isAttribute && edit.replacedKeys.size > 0 && edit.replacedKeys.has(attributeName(bytes, at, reader.at)))
      continue
    parts.push(bytes.subarray(at, reader.at))
  }
  return bytesField(2, ...parts, ...edit.appended.values())
}

/** The key of the KeyValue in the attribute field that stands at `start`. */
function attributeName(bytes: Uint8Array, start: number, end: number): string {
  const reader = new WireReader(bytes)
  reader.at = start
  reader.end = end
  reader.next()
  reader.end = reader.lengthEnd()
  let name = ''
  while (reader.next()) {
    const isKey = reader.field === 1 && reader.type === WireType.bytes
    if (!isKey) {
      reader.skip()
      continue
    }
    const keyEnd = reader.lengthEnd()
    name = Buffer.from(bytes.buffer, bytes.byteOffset + reader.at, keyEnd - reader.at).toString('utf8')
    reader.at = keyEnd
  }
  return name
}

/** Fields of the request itself that are not resource_spans. */
function fieldsBeside(bytes: Uint8Array): Uint8Array[] {
  const reader = new WireReader(bytes)
  const parts: Uint8Array[] = []
  for (let at = 0; reader.next(); at = reader.at) {
    const isResourceSpans = reader.field === 1 && reader.type === WireType.bytes
    reader.skip()
    if (!isResourceSpans) parts.push(bytes.subarray(at, reader.at))
  }
  return parts
}
