import { type BufferMemory, bytesFrom } from './buffer-memory.ts'
import { copyBytes } from './copy-bytes.ts'
import { EditedSpans } from './edited-spans.ts'
import { varintLength, writeVarint } from './encode-fields.ts'
import type { SpanEdits } from './span-edits.ts'
import { Column, ROW_WORDS, type SpanTable } from './span-table.ts'
import { WireReader, WireType } from './wire.ts'

const RESOURCE_SPANS = (1 << 3) | WireType.bytes
const SCOPE_SPANS = (2 << 3) | WireType.bytes

/**
 * One whole request with its edits put in, in two passes over its structure: the first finds the new lengths, the second
 * writes. Spans are not read again, since the rows say where they are; what is not edited is copied in long runs. A
 * ResourceSpans or ScopeSpans is left out when all its spans were dropped, and keeps its bytes when none was edited.
 */
export function spliceRequest(table: SpanTable, edits: SpanEdits, memory?: BufferMemory): Uint8Array {
  const plan = new RequestPlan(table, edits)
  plan.read()
  return plan.write(memory)
}

/** A ResourceSpans or ScopeSpans that changes. */
interface ChangedMessage {
  /** Where its record stands in the request: tag, body, end. */
  readonly recordStart: number
  readonly bodyStart: number
  readonly end: number
  /** Length of its new body; 0 with `gone` where it is left out. */
  readonly bodySize: number
  readonly gone: boolean
  /** Rows of its spans, or the changed ScopeSpans within it. */
  readonly firstRow: number
  readonly endRow: number
  readonly scopes: readonly ChangedMessage[]
}

class RequestPlan {
  readonly #table: SpanTable
  readonly #edits: SpanEdits
  readonly #edited: EditedSpans
  readonly #bytes: Uint8Array
  readonly #changed: ChangedMessage[] = []
  #size: number
  /** The first row that was not yet met. */
  #row = 0

  constructor(table: SpanTable, edits: SpanEdits) {
    this.#table = table
    this.#edits = edits
    this.#edited = new EditedSpans(table, edits)
    this.#bytes = table.sources[0]!.bytes
    this.#size = this.#bytes.length
  }

  read(): void {
    const reader = new WireReader(this.#bytes)
    for (let start = 0; reader.next(); start = reader.at) {
      if (reader.field !== 1 || reader.type !== WireType.bytes) {
        reader.skip()
        continue
      }
      const end = reader.lengthEnd()
      const message = this.#readResourceSpans(reader, start, end)
      if (message !== null) {
        this.#changed.push(message)
        this.#size += growthOf(message)
      }
      reader.at = end
      reader.end = this.#bytes.length
    }
  }

  write(memory?: BufferMemory): Uint8Array {
    const out = bytesFrom(memory, this.#size)
    let from = 0
    let at = 0
    for (const resource of this.#changed) {
      at = copyBytes(this.#bytes, from, resource.recordStart, out, at)
      from = resource.end
      if (resource.gone) continue
      at = writeHead(out, at, RESOURCE_SPANS, resource.bodySize)
      let inner = resource.bodyStart
      for (const scope of resource.scopes) {
        at = copyBytes(this.#bytes, inner, scope.recordStart, out, at)
        inner = scope.end
        if (!scope.gone) at = this.#writeScopeSpans(scope, out, writeHead(out, at, SCOPE_SPANS, scope.bodySize))
      }
      at = copyBytes(this.#bytes, inner, resource.end, out, at)
    }
    copyBytes(this.#bytes, from, this.#bytes.length, out, at)
    return out
  }

  /** Null where nothing in it changes. */
  #readResourceSpans(reader: WireReader, recordStart: number, end: number): ChangedMessage | null {
    const bodyStart = reader.at
    const firstRow = this.#row
    const scopes: ChangedMessage[] = []
    let bodySize = end - bodyStart
    let left = 0
    reader.end = end
    for (let start = reader.at; reader.next(); start = reader.at) {
      if (reader.field !== 2 || reader.type !== WireType.bytes) {
        reader.skip()
        continue
      }
      const scopeEnd = reader.lengthEnd()
      const scope = this.#readScopeSpans(start, reader.at, scopeEnd)
      if (scope !== null) {
        scopes.push(scope)
        bodySize += growthOf(scope)
      }
      if (scope?.gone !== true) left++
      reader.at = scopeEnd
    }
    if (scopes.length === 0) return null
    return { recordStart, bodyStart, end, bodySize, gone: left === 0, firstRow, endRow: this.#row, scopes }
  }

  #readScopeSpans(recordStart: number, bodyStart: number, end: number): ChangedMessage | null {
    const { words, count } = this.#table
    const firstRow = this.#row
    let bodySize = end - bodyStart
    let isChanged = false
    let left = 0
    let row = firstRow
    for (; row < count && words[row * ROW_WORDS + Column.recordStart]! < end; row++) {
      const dropped = this.#edits.isDropped(row)
      if (!dropped) left++
      if (!dropped && !this.#edits.isChanged(row)) continue
      isChanged = true
      const at = row * ROW_WORDS
      bodySize -= words[at + Column.bodyEnd]! - words[at + Column.recordStart]!
      if (!dropped) bodySize += this.#edited.recordSize(row)
    }
    this.#row = row
    if (!isChanged) return null
    return { recordStart, bodyStart, end, bodySize, gone: left === 0, firstRow, endRow: row, scopes: [] }
  }

  #writeScopeSpans(scope: ChangedMessage, out: Uint8Array, at: number): number {
    const { words } = this.#table
    let from = scope.bodyStart
    for (let row = scope.firstRow; row < scope.endRow; row++) {
      const dropped = this.#edits.isDropped(row)
      if (!dropped && !this.#edits.isChanged(row)) continue
      at = copyBytes(this.#bytes, from, words[row * ROW_WORDS + Column.recordStart]!, out, at)
      from = words[row * ROW_WORDS + Column.bodyEnd]!
      if (!dropped) at = this.#edited.write(row, out, at)
    }
    return copyBytes(this.#bytes, from, scope.end, out, at)
  }
}

/** By how many bytes a message's record grows, or shrinks. */
function growthOf(message: ChangedMessage): number {
  const before = message.end - message.recordStart
  return message.gone ? -before : 1 + varintLength(message.bodySize) + message.bodySize - before
}

function writeHead(out: Uint8Array, at: number, tag: number, length: number): number {
  out[at] = tag
  return writeVarint(out, at + 1, length)
}
