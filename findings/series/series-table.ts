import type { Attributes } from '@opentelemetry/api'

/** The series that takes in all that came after the limit; marked as the SDK marks its own. */
export const OVERFLOW_SERIES = 0
const OVERFLOW_ATTRIBUTES: Attributes = { 'otel.metric.overflow': true }

/**
 * Small numbers for attribute sets, so that what is recorded once a span is an index into typed arrays. Interning is for
 * the first sight of something (an operation, an edge); who records keeps the number.
 */
export class SeriesTable {
  readonly #maxSeries: number
  readonly #ids = new Map<string, number>()
  readonly #attributes: Attributes[] = [OVERFLOW_ATTRIBUTES]
  #overflows = 0

  constructor(maxSeries: number) {
    this.#maxSeries = maxSeries
  }

  /** Series with an id, the overflow series included; ids are below it. */
  get size(): number {
    return this.#attributes.length
  }

  /** How often a series was refused and the overflow series answered instead. */
  get overflows(): number {
    return this.#overflows
  }

  /** The series of a key; `attributes` is asked once, when the key is new. Past the limit it is the overflow series. */
  intern(key: string, attributes: () => Attributes): number {
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    if (this.#ids.size >= this.#maxSeries) {
      this.#overflows++
      return OVERFLOW_SERIES
    }
    const id = this.#attributes.length
    this.#ids.set(key, id)
    this.#attributes.push(attributes())
    return id
  }

  attributesOf(id: number): Attributes {
    return this.#attributes[id]!
  }
}
