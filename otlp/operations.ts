import { randomUUID } from 'node:crypto'
import { hashInt32 } from './hash.ts'
import type { ResourceRef } from './resource.ts'
import { ResourceNumbers, UNKNOWN } from './resource-numbers.ts'
import { Column, ROW_WORDS, type SpanTable } from './span-table.ts'

/** What many spans have in common: the service, the span name and the kind. */
export interface Operation {
  readonly id: number
  readonly service: string
  readonly serviceId: number
  readonly name: string
  /** Of service and name: what is kept in maps by operation, whatever the kind, is kept by this one string. */
  readonly key: string
  /** SpanKind as on the wire. */
  readonly kind: number
}

/** The name under which operations beyond the limit are counted together, one a service and kind. */
export const OTHER_OPERATIONS = '(other)'
const OTHER_HASH = hashInt32(Buffer.from(OTHER_OPERATIONS), 0, OTHER_OPERATIONS.length) >>> 0
/** The name under which services beyond the limit are. */
export const OTHER_SERVICES = '(other)'

/** Words of a slot of the index: 1 + the id of an operation, 0 where the slot is free, and what it is known by. */
const Slot = { entry: 0, service: 1, kind: 2, nameHash: 3 } as const
const SLOT_WORDS = 4
const NONE = -1

/**
 * Small numbers for services and operations, so that what is counted once a span is counted in arrays. A name is known
 * by its 32-bit hash within service and kind: of 1000 names in one service two collide once in 8000 services. Bounded:
 * beyond `limit` operations (span names that carry ids, say) the rest of each service counts as one, and beyond as many
 * services the rest of them do.
 */
export class Operations {
  /** Tells its numbers from those of the registries of other shards. */
  readonly shard = randomUUID()
  readonly limit: number
  readonly all: Operation[] = []
  /** Of all operations, by id. */
  readonly keys: string[] = []
  /** Spans that were counted under `(other)` because the limit was reached. */
  overflowed = 0
  /** Times that a resource was counted under `(other)` because there were as many services. */
  overflowedServices = 0
  readonly #services = new Map<string, number>()
  readonly serviceNames: string[] = []
  /** At most half full, see `Slot`: what is looked up once a span stands in one cache line. */
  #slots = new Uint32Array(1024 * SLOT_WORDS)
  #usedSlots = 0
  readonly #byResource = new ResourceNumbers()

  constructor(limit = 20_000) {
    this.limit = limit
  }

  /** For each resource of a table the id of its service. */
  servicesOf(table: SpanTable): Int32Array {
    const ids = new Int32Array(table.resources.length)
    for (let i = 0; i < ids.length; i++) ids[i] = this.serviceOf(table.resources[i]!)
    return ids
  }

  serviceOf(resource: ResourceRef): number {
    const known = this.#byResource.of(resource)
    if (known !== UNKNOWN) return known
    const id = this.serviceId(resource.serviceName)
    this.#byResource.set(resource, id)
    return id
  }

  serviceId(name: string): number {
    const known = this.#services.get(name)
    if (known !== undefined) return known
    const isOver = this.#services.size >= this.limit && name !== OTHER_SERVICES
    if (isOver) {
      this.overflowedServices++
      return this.serviceId(OTHER_SERVICES)
    }
    const id = this.serviceNames.push(name) - 1
    this.#services.set(name, id)
    return id
  }

  /**
   * The operations of all rows of a table, with the service of each resource, into `ids`. Of 10 000 services hardly a slot
   * is in a cache. Nearly all stand where their hash leads, which is looked at here, in few steps: while one row waits for
   * memory, the next ones ask for theirs.
   */
  ofRows(table: SpanTable, services: Int32Array, ids: Int32Array): void {
    const { words, count } = table
    for (let row = 0; row < count; row++) {
      const at = row * ROW_WORDS
      const service = services[words[at + Column.resource]!]!
      const kind = words[at + Column.meta]! & 0xff
      const nameHash = words[at + Column.nameHash]!
      const hash = hashOf(service, kind, nameHash)
      const slots = this.#slots
      const slot = (hash * SLOT_WORDS) & (slots.length - 1)
      ids[row] =
        slots[slot + Slot.nameHash] === nameHash &&
        slots[slot + Slot.service] === service &&
        slots[slot + Slot.kind] === kind &&
        slots[slot] !== 0
          ? slots[slot]! - 1
          : this.#of(table, row, service, hash)
    }
  }

  #of(table: SpanTable, row: number, serviceId: number, hash: number): number {
    const at = row * ROW_WORDS
    const kind = table.words[at + Column.meta]! & 0xff
    const nameHash = table.words[at + Column.nameHash]!
    const known = this.#find(serviceId, kind, nameHash, hash)
    if (known !== NONE) return known
    if (this.all.length < this.limit) return this.#add(serviceId, kind, nameHash, table.name(row))
    this.overflowed++
    const other = this.#find(serviceId, kind, OTHER_HASH, hashOf(serviceId, kind, OTHER_HASH))
    return other !== NONE ? other : this.#add(serviceId, kind, OTHER_HASH, OTHER_OPERATIONS)
  }

  #find(serviceId: number, kind: number, nameHash: number, hash: number): number {
    const slots = this.#slots
    const mask = slots.length - 1
    for (let slot = (hash * SLOT_WORDS) & mask; slots[slot] !== 0; slot = (slot + SLOT_WORDS) & mask)
      if (
        slots[slot + Slot.nameHash] === nameHash &&
        slots[slot + Slot.service] === serviceId &&
        slots[slot + Slot.kind] === kind
      )
        return slots[slot]! - 1
    return NONE
  }

  #add(serviceId: number, kind: number, nameHash: number, name: string): number {
    const id = this.all.length
    const service = this.serviceNames[serviceId]!
    const key = operationKey(service, name)
    this.all.push({ id, service, serviceId, name, key, kind })
    this.keys.push(key)
    if (++this.#usedSlots * 2 * SLOT_WORDS > this.#slots.length) this.#grow()
    this.#enter(id, serviceId, kind, nameHash)
    return id
  }

  #enter(id: number, serviceId: number, kind: number, nameHash: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = (hashOf(serviceId, kind, nameHash) * SLOT_WORDS) & mask
    while (slots[slot] !== 0) slot = (slot + SLOT_WORDS) & mask
    slots[slot + Slot.entry] = id + 1
    slots[slot + Slot.service] = serviceId
    slots[slot + Slot.kind] = kind
    slots[slot + Slot.nameHash] = nameHash
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Uint32Array(old.length * 2)
    for (let slot = 0; slot < old.length; slot += SLOT_WORDS)
      if (old[slot] !== 0)
        this.#enter(old[slot]! - 1, old[slot + Slot.service]!, old[slot + Slot.kind]!, old[slot + Slot.nameHash]!)
  }
}

/** Names an operation, whatever its kind. */
export function operationKey(service: string, name: string): string {
  return `${service}\0${name}`
}

function hashOf(serviceId: number, kind: number, nameHash: number): number {
  const hash = Math.imul(nameHash ^ Math.imul(serviceId * 8 + kind + 1, 0x9e3779b1), 0x85ebca6b)
  return hash ^ (hash >>> 15)
}
