import { type BufferMemory, bytesFrom } from './buffer-memory.ts'
import { copyBytes } from './copy-bytes.ts'
import { EditedSpans } from './edited-spans.ts'
import { varintLength, writeVarint } from './encode-fields.ts'
import type { SpanEdits } from './span-edits.ts'
import { Column, ROW_WORDS, type SpanTable } from './span-table.ts'
import { WireType } from './wire.ts'

const RESOURCE_SPANS = (1 << 3) | WireType.bytes
const SCOPE_SPANS = (2 << 3) | WireType.bytes

/**
 * A request of spans that came in several: one ResourceSpans for each resource, one ScopeSpans for each scope in it, in
 * the order of their first spans; the spans of a scope stay in the order of their rows. Resources and scopes are the
 * same when their bytes are. What the requests themselves had beside resource_spans does not come along.
 *
 *     ExportTraceServiceRequest  1 resource_spans
 *     ResourceSpans              head (all fields but 2), 2 scope_spans
 *     ScopeSpans                 head (all fields but 2), 2 spans
 */
export function regroupSpans(table: SpanTable, edits: SpanEdits | null, memory?: BufferMemory): Uint8Array {
  const groups = new Groups(table, edits)
  groups.collect()
  return groups.write(memory)
}

/** Spans of one resource and one scope. Rows are chained, so that a span costs one number. */
interface Group {
  readonly scope: number
  firstRow: number
  lastRow: number
  /** Of the records. */
  bytes: number
}

interface ResourceGroup {
  readonly resource: number
  readonly groups: Group[]
  /** Of the body. */
  bytes: number
}

class Groups {
  readonly #table: SpanTable
  readonly #edits: SpanEdits | null
  readonly #edited: EditedSpans | null
  /** For each resource and scope the first one with the same bytes. */
  readonly #resources: Uint32Array
  readonly #scopes: Uint32Array
  /** For each row 1 + the next one of its group. */
  readonly #next: Uint32Array
  readonly #ordered: ResourceGroup[] = []

  constructor(table: SpanTable, edits: SpanEdits | null) {
    this.#table = table
    this.#edits = edits
    this.#edited = edits && new EditedSpans(table, edits)
    this.#resources = firstOfEqual(table.resources)
    this.#scopes = firstOfEqual(table.scopes)
    this.#next = new Uint32Array(table.count)
  }

  collect(): void {
    const { words, count } = this.#table
    const edits = this.#edits
    const next = this.#next
    const find = new GroupFinder(this.#table, this.#ordered)
    for (let row = 0; row < count; row++) {
      if (edits?.isDropped(row)) continue
      const at = row * ROW_WORDS
      const resource = this.#resources[words[at + Column.resource]!]!
      const scope = this.#scopes[words[at + Column.scope]!]!
      const group = find.group(resource, scope)
      if (group.firstRow < 0) group.firstRow = row
      else next[group.lastRow] = row + 1
      group.lastRow = row
      group.bytes += edits?.isChanged(row)
        ? this.#edited!.recordSize(row)
        : words[at + Column.bodyEnd]! - words[at + Column.recordStart]!
    }
  }

  write(memory?: BufferMemory): Uint8Array {
    const { resources, scopes } = this.#table
    let size = 0
    for (const resource of this.#ordered) {
      resource.bytes = resources[resource.resource]!.head.length
      for (const group of resource.groups) {
        group.bytes += scopes[group.scope]!.head.length
        resource.bytes += 1 + varintLength(group.bytes) + group.bytes
      }
      size += 1 + varintLength(resource.bytes) + resource.bytes
    }
    const out = bytesFrom(memory, size)
    let at = 0
    for (const resource of this.#ordered) {
      at = writeHead(out, at, RESOURCE_SPANS, resource.bytes, resources[resource.resource]!.head)
      for (const group of resource.groups) {
        at = writeHead(out, at, SCOPE_SPANS, group.bytes, scopes[group.scope]!.head)
        at = this.#writeSpans(group, out, at)
      }
    }
    return out
  }

  /** Spans that stand one behind the other in their request are copied at once. */
  #writeSpans(group: Group, out: Uint8Array, at: number): number {
    const { words, sources } = this.#table
    const edits = this.#edits
    const next = this.#next
    let source = 0
    let from = 0
    let to = 0
    for (let row = group.firstRow; row >= 0; row = next[row]! - 1) {
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
        at = this.#edited!.write(row, out, at)
        from = words[r + Column.bodyEnd]!
      }
      to = words[r + Column.bodyEnd]!
    }
    return to > from ? copyBytes(sources[source]!.bytes, from, to, out, at) : at
  }
}

/** Finds the group of a resource and scope, or opens it. Neighbours in a table are often of the last few groups. */
class GroupFinder {
  readonly #ordered: ResourceGroup[]
  /** By resource: its entry in `#ordered`. */
  readonly #byResource: (ResourceGroup | undefined)[]
  /** Groups by resource × scope, for resources with many scopes. */
  readonly #byPair = new Map<number, Group>()
  readonly #scopeCount: number
  /** By resource: the group found last. */
  readonly #last: (Group | undefined)[]

  constructor(table: SpanTable, ordered: ResourceGroup[]) {
    this.#ordered = ordered
    this.#byResource = new Array(table.resources.length)
    this.#last = new Array(table.resources.length)
    this.#scopeCount = table.scopes.length
  }

  group(resource: number, scope: number): Group {
    const last = this.#last[resource]
    if (last !== undefined && last.scope === scope) return last
    const pair = resource * this.#scopeCount + scope
    const group = this.#byPair.get(pair) ?? this.#open(resource, scope, pair)
    this.#last[resource] = group
    return group
  }

  #open(resource: number, scope: number, pair: number): Group {
    let owner = this.#byResource[resource]
    if (owner === undefined) {
      owner = { resource, groups: [], bytes: 0 }
      this.#byResource[resource] = owner
      this.#ordered.push(owner)
    }
    const group: Group = { scope, firstRow: -1, lastRow: -1, bytes: 0 }
    owner.groups.push(group)
    this.#byPair.set(pair, group)
    return group
  }
}

/** For each ref the index of the first one with the same bytes; the cache has made most equal ones the same object. */
function firstOfEqual(refs: readonly { readonly head: Uint8Array }[]): Uint32Array {
  const first = new Uint32Array(refs.length)
  const byHead = new Map<string, number>()
  for (let i = 0; i < refs.length; i++) {
    const head = refs[i]!.head
    const key = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1')
    const known = byHead.get(key)
    if (known === undefined) byHead.set(key, i)
    first[i] = known ?? i
  }
  return first
}

function writeHead(out: Uint8Array, at: number, tag: number, length: number, head: Uint8Array): number {
  out[at] = tag
  at = writeVarint(out, at + 1, length)
  return copyBytes(head, 0, head.length, out, at)
}
