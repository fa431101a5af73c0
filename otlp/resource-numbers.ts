import type { ResourceRef } from './resource.ts'

const FIRST_PLACES = 64
/** As many as a cache of resources holds, so that those of 10 000 services stay known; a power of two. */
const LIMIT = 32_768
/** Where nothing is known of a resource. */
export const UNKNOWN = -0x8000_0000

/**
 * A number for each resource, where its own serial number leads: a batch of a large fleet has thousands of resources, and
 * a map of objects waits for memory several times for each. Bounded: of two resources that are LIMIT apart the later one
 * stays known.
 */
export class ResourceNumbers {
  #resources = new Array<ResourceRef | undefined>(FIRST_PLACES).fill(undefined)
  #numbers = new Int32Array(FIRST_PLACES)

  of(resource: ResourceRef): number {
    const place = resource.serial & (this.#numbers.length - 1)
    return this.#resources[place] === resource ? this.#numbers[place]! : UNKNOWN
  }

  set(resource: ResourceRef, number: number): void {
    if (resource.serial >= this.#numbers.length && this.#numbers.length < LIMIT) this.#grow(resource.serial)
    const place = resource.serial & (this.#numbers.length - 1)
    this.#resources[place] = resource
    this.#numbers[place] = number
  }

  clear(): void {
    this.#resources.fill(undefined)
  }

  #grow(serial: number): void {
    const resources = this.#resources
    const numbers = this.#numbers
    let places = numbers.length
    while (places <= serial && places < LIMIT) places *= 2
    this.#resources = new Array<ResourceRef | undefined>(places).fill(undefined)
    this.#numbers = new Int32Array(places)
    for (let i = 0; i < numbers.length; i++) if (resources[i] !== undefined) this.set(resources[i]!, numbers[i]!)
  }
}
