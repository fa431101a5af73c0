import { attributeKey, intAttribute } from '../../otlp/attributes.ts'
import { Column, ROW_WORDS, type SpanTable } from '../../otlp/span-table.ts'
import type { SpanLifetimeConfig } from './config.ts'
import { eventOutsideNano } from './event-times.ts'
import type { LifetimeFacts } from './lifetime-facts.ts'
import { Kind } from './lifetime-kinds.ts'
import type { OccurrenceTallies } from './occurrence-tally.ts'

const HTTP_STATUS = ['http.response.status_code', 'http.status_code'].map(attributeKey)
const SWITCHING_PROTOCOLS = 101

/** LIFE-005: spans whose own times cannot be, from which nothing more is read; nor is it from spans without times. */
export class ImpossibleTimes {
  readonly #config: SpanLifetimeConfig
  readonly #tallies: OccurrenceTallies
  /** By row, 1 where they cannot be, or are not set. */
  rows = new Uint8Array(1024)

  constructor(config: SpanLifetimeConfig, tallies: OccurrenceTallies) {
    this.#config = config
    this.#tallies = tallies
  }

  /** Looks at each span once, and counts it in `spans` by operation on the way. */
  read(facts: LifetimeFacts, spans: Uint32Array, nowMs: number): void {
    const { table } = facts.batch
    if (table.count > this.rows.length) this.rows = new Uint8Array(Math.max(table.count, this.rows.length * 2))
    const { words } = table
    const { rows } = this
    const { operations } = facts
    const latestStartMs = nowMs + this.#config.future_tolerance
    const maxDurationNano = this.#config.max_duration * 1e6
    for (let row = 0; row < table.count; row++) {
      const at = row * ROW_WORDS
      const startHi = words[at + Column.start]!
      const startLo = words[at + Column.start + 1]!
      const durationNano = (words[at + Column.end]! - startHi) * 4294967296 + (words[at + Column.end + 1]! - startLo)
      spans[operations[row]!]!++
      rows[row] = 0
      const hasEvents = words[at + Column.meta]! >>> 24 !== 0
      const isOdd =
        startHi === 0 ||
        durationNano < 0 ||
        durationNano > maxDurationNano ||
        startHi * 4294.967296 + startLo / 1e6 > latestStartMs
      if (isOdd || hasEvents) this.#look(facts, row, durationNano, nowMs)
    }
  }

  #look(facts: LifetimeFacts, row: number, durationNano: number, nowMs: number): void {
    const { table } = facts.batch
    const { future_tolerance, max_duration, tolerance } = this.#config
    const aheadMs = table.timeMs(row, Column.start) - nowMs
    // Zipkin has spans of which only the name is known.
    if (table.timeMs(row, Column.start) === 0 && durationNano === 0) this.rows[row] = 1
    else if (durationNano < 0) this.#claim(facts, Kind.endBeforeStart, row, durationNano)
    else if (aheadMs > future_tolerance) this.#claim(facts, Kind.inTheFuture, row, aheadMs * 1e6)
    else if (durationNano > max_duration * 1e6 && table.eventCount(row) === 0 && !isHandedOver(table, row))
      this.#claim(facts, Kind.tooLong, row, durationNano)
    else if (table.eventCount(row) > 0) {
      const outsideNano = eventOutsideNano(table, row)
      if (outsideNano > tolerance * 1e6) this.#tallies.record(facts, Kind.eventOutside, row, -1, -1, outsideNano)
    }
  }

  #claim(facts: LifetimeFacts, kind: number, row: number, nano: number): void {
    this.rows[row] = 1
    this.#tallies.record(facts, kind, row, -1, -1, nano)
  }
}

/** The connection of a WebSocket, which lasts for as long as both sides like. */
function isHandedOver(table: SpanTable, row: number): boolean {
  return HTTP_STATUS.some((key) => intAttribute(table, row, key) === SWITCHING_PROTOCOLS)
}
