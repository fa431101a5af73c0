import { randomUUID } from 'node:crypto'
import type { ResourceRef } from './resource.ts'
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
/** The name under which services beyond the limit are. */
export const OTHER_SERVICES = '(other)'

/** Resources whose service is remembered: as many as a cache of them holds, so that 10 000 services do not thrash it. */
const MAX_RESOURCES = 32_768

/** Words of a slot of the index: 1 + the id of an operation, 0 where the slot is free, and what it is known by. */
const Slot = { entry: 0, service: 1, kind: 2, nameHash: 3 } as const
const SLOT_WORDS = 4

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
  #resourceIds = new Map<ResourceRef, number>()
  readonly #others = new Map<number, number>()

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
    const known = this.#resourceIds.get(resource)
    if (known !== undefined) return known
    const id = this.serviceId(resource.serviceName)
    // Resources come and go with their instances; the map only saves a look-up by name, so it may start anew.
    if (this.#resourceIds.size >= MAX_RESOURCES) this.#resourceIds = new Map()
    this.#resourceIds.set(resource, id)
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

  /** The operation of a row whose service is known. */
  of(table: SpanTable, row: number, serviceId: number): number {
    const at = row * ROW_WORDS
    const kind = table.words[at + Column.meta]! & 0xff
    const nameHash = table.words[at + Column.nameHash]!
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = (hashOf(serviceId, kind, nameHash) * SLOT_WORDS) & mask
    for (; slots[slot] !== 0; slot = (slot + SLOT_WORDS) & mask)
      if (
        slots[slot + Slot.nameHash] === nameHash &&
        slots[slot + Slot.service] === serviceId &&
        slots[slot + Slot.kind] === kind
      )
        return slots[slot]! - 1
    return this.all.length < this.limit
      ? this.#add(table, row, serviceId, kind, nameHash)
      : this.#other(serviceId, kind)
  }

  #add(table: SpanTable, row: number, serviceId: number, kind: number, nameHash: number): number {
    const id = this.#push(serviceId, table.name(row), kind)
    if (++this.#usedSlots * 2 * SLOT_WORDS > this.#slots.length) this.#grow()
    this.#enter(id, serviceId, kind, nameHash)
    return id
  }

  #other(serviceId: number, kind: number): number {
    this.overflowed++
    const key = serviceId * 256 + kind
    const known = this.#others.get(key)
    if (known !== undefined) return known
    const id = this.#push(serviceId, OTHER_OPERATIONS, kind)
    this.#others.set(key, id)
    return id
  }

  #push(serviceId: number, name: string, kind: number): number {
    const id = this.all.length
    const service = this.serviceNames[serviceId]!
    const key = operationKey(service, name)
    this.all.push({ id, service, serviceId, name, key, kind })
    this.keys.push(key)
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
