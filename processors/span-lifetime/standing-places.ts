import type { OccurrenceRow } from './lifetime-summary.ts'
import { StandingPlace } from './standing-place.ts'

/** Share of the places that go at once when there are too many, so that looking for them costs little. */
const FORGOTTEN_SHARE = 1 / 16

/** All places with occurrences. Bounded by their parts, one for each parent: the place that was quiet for longest goes. */
export class StandingPlaces {
  readonly #limit: number
  readonly #evidenceLimit: number
  readonly #places = new Map<string, StandingPlace>()
  #parts = 0
  forgotten = 0

  constructor(limit: number, evidenceLimit: number) {
    this.#limit = limit
    this.#evidenceLimit = evidenceLimit
  }

  get all(): Iterable<StandingPlace> {
    return this.#places.values()
  }

  add(row: OccurrenceRow, nowMs: number): void {
    const key = JSON.stringify([row.kind, row.service, row.name, row.edge])
    let place = this.#places.get(key)
    if (!place) {
      if (this.#parts >= this.#limit) this.#forgetQuietest()
      place = new StandingPlace(row, this.#evidenceLimit)
      this.#places.set(key, place)
    }
    const before = place.partCount
    place.add(row, nowMs)
    this.#parts += place.partCount - before
  }

  #forgetQuietest(): void {
    const byNews = [...this.#places].sort(([, a], [, b]) => a.lastNewsMs - b.lastNewsMs)
    for (const [key, place] of byNews.slice(0, Math.ceil(byNews.length * FORGOTTEN_SHARE))) {
      this.#places.delete(key)
      this.#parts -= place.partCount
      this.forgotten++
    }
  }
}
