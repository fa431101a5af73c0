import { sameBytes } from './same-bytes.ts'
import type { SpanTable } from './span-table.ts'

const NONE = -1
/** Heads that are compared with one another at most, lest somebody sends thousands of one hash. */
const MAX_PROBES = 16

interface WithHead {
  readonly head: Uint8Array
  readonly headHash: number
}

/**
 * The rows of a table by resource and scope, in the order of their first spans; the rows of a group in the order of the
 * table. Resources, and scopes, are the same when their bytes are. A batch of a large fleet has as many groups as spans,
 * so there is no object for one: all are numbers in arrays that serve one table after the other, chained by index, −1 at
 * the end.
 */
export class SpanGroups {
  groupCount = 0
  // By group.
  scope = new Int32Array(64)
  firstRow = new Int32Array(64)
  #lastRow = new Int32Array(64)
  #resource = new Int32Array(64)
  /** The next group of the same resource. */
  nextGroup = new Int32Array(64)
  /** Of its records, and what its user adds. */
  bytes = new Float64Array(64)
  // By resource.
  firstResource = NONE
  #lastResource = NONE
  nextResource = new Int32Array(64)
  firstGroup = new Int32Array(64)
  /** The group that was found last, and the one at the end of the chain. */
  #lastGroup = new Int32Array(64)
  #newestGroup = new Int32Array(64)
  /** By row: the next one of its group. */
  nextRow = new Int32Array(1024)
  /** For each resource, and each scope, the first one with the same bytes. */
  #sameResource = new Int32Array(64)
  #sameScope = new Int32Array(64)
  #scopeCount = 0
  /** Groups + 1 by their pair of resource and scope, open addressing; heads + 1 by hash before that. */
  #index = new Int32Array(256)
  #mask = 0

  /** Forgets what it held; so many rows of that table come next. */
  begin({ resources, scopes, count }: SpanTable, rows: number): void {
    this.#sameResource = this.#firstOfEqual(resources, this.#sameResource)
    this.#sameScope = this.#firstOfEqual(scopes, this.#sameScope)
    this.#scopeCount = scopes.length
    const groups = Math.min(rows, resources.length * scopes.length)
    this.scope = atLeast(this.scope, groups)
    this.firstRow = atLeast(this.firstRow, groups)
    this.#lastRow = atLeast(this.#lastRow, groups)
    this.#resource = atLeast(this.#resource, groups)
    this.nextGroup = atLeast(this.nextGroup, groups)
    if (groups > this.bytes.length) this.bytes = new Float64Array(groups * 2)
    this.nextResource = atLeast(this.nextResource, resources.length)
    this.firstGroup = atLeast(this.firstGroup, resources.length).fill(NONE, 0, resources.length)
    this.#lastGroup = atLeast(this.#lastGroup, resources.length)
    this.#newestGroup = atLeast(this.#newestGroup, resources.length)
    this.nextRow = atLeast(this.nextRow, count)
    this.#clearIndex(groups)
    this.groupCount = 0
    this.firstResource = NONE
    this.#lastResource = NONE
  }

  /** Adds a row, whose record takes so many bytes, at the end of its group. */
  add(row: number, resource: number, scope: number, recordBytes: number): void {
    const group = this.#groupOf(this.#sameResource[resource]!, this.#sameScope[scope]!)
    if (this.firstRow[group] === NONE) this.firstRow[group] = row
    else this.nextRow[this.#lastRow[group]!] = row
    this.#lastRow[group] = row
    this.nextRow[row] = NONE
    this.bytes[group]! += recordBytes
  }

  /** Neighbours in a table are often of the group that their resource had last. */
  #groupOf(resource: number, scope: number): number {
    if (this.firstGroup[resource] !== NONE) {
      const last = this.#lastGroup[resource]!
      if (this.scope[last] === scope) return last
    }
    let i = Math.imul(resource * this.#scopeCount + scope + 1, 0x9e3779b1) >>> 7
    for (i &= this.#mask; this.#index[i] !== 0; i = (i + 1) & this.#mask) {
      const group = this.#index[i]! - 1
      if (this.#resource[group] !== resource || this.scope[group] !== scope) continue
      this.#lastGroup[resource] = group
      return group
    }
    return this.#open(resource, scope, i)
  }

  #open(resource: number, scope: number, place: number): number {
    const group = this.groupCount++
    this.#index[place] = group + 1
    this.#resource[group] = resource
    this.scope[group] = scope
    this.firstRow[group] = NONE
    this.nextGroup[group] = NONE
    this.bytes[group] = 0
    if (this.firstGroup[resource] === NONE) {
      this.firstGroup[resource] = group
      this.nextResource[resource] = NONE
      if (this.firstResource === NONE) this.firstResource = resource
      else this.nextResource[this.#lastResource] = resource
      this.#lastResource = resource
    } else this.nextGroup[this.#newestGroup[resource]!] = group
    this.#newestGroup[resource] = group
    this.#lastGroup[resource] = group
    return group
  }

  #firstOfEqual(refs: readonly WithHead[], first: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
    const same = atLeast(first, refs.length)
    this.#clearIndex(refs.length)
    const index = this.#index
    for (let ref = 0; ref < refs.length; ref++) {
      const { head, headHash } = refs[ref]!
      same[ref] = ref
      let i = headHash & this.#mask
      for (let probes = 0; index[i] !== 0 && probes < MAX_PROBES; i = (i + 1) & this.#mask, probes++) {
        const other = refs[index[i]! - 1]!
        if (other.headHash !== headHash || !sameHead(other.head, head)) continue
        same[ref] = index[i]! - 1
        break
      }
      if (index[i] === 0) index[i] = ref + 1
    }
    return same
  }

  #clearIndex(entries: number): void {
    let size = 64
    while (size < entries * 2) size *= 2
    this.#mask = size - 1
    if (size > this.#index.length) this.#index = new Int32Array(size)
    else this.#index.fill(0, 0, size)
  }
}

/** The cache has made most equal ones the same object. */
function sameHead(one: Uint8Array, other: Uint8Array): boolean {
  return one === other || sameBytes(one, other, 0, other.length)
}

function atLeast(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  return length > array.length ? new Int32Array(length * 2) : array
}
