import type { BufferMemory } from '../../otlp/buffer-memory.ts'
import { Malformed } from '../../otlp/malformed.ts'
import type { Recording } from '../../receivers/file/recording.ts'
import { type Arrival, ArrivalOrder } from './arrival-order.ts'
import { cutByTime, EXPORT_INTERVAL_MS } from './cut-by-time.ts'
import { RequestTimes, type TimeSummary, timesOfRequest } from './request-times.ts'
import { Spool } from './spool.ts'

/** How the requests of an input were put in order: as they stand, or by time because they did not stand by time. */
export type Ordering = 'arrival' | 'sorted'

/** What reading a recording to its end has shown. */
export interface Survey {
  readonly ordering: Ordering
  /** All of its requests, also cut into pieces, and the numbers of those to deliver, in their order. */
  readonly spool: Spool
  readonly numbers: readonly number[]
}

/**
 * Reads a recording to its end before anything of it is delivered. Where something lies further behind than the grace it
 * is sorted, requests that hold spans of more than an export interval cut before; otherwise it stays as it stands.
 */
export async function survey(recording: Recording, graceMs: number, memory: BufferMemory): Promise<Survey> {
  const spool = new Spool()
  const times = new RequestTimes()
  const asItStands = new Places()
  const inPieces = new Places()
  for await (const messages of recording.rawMessages()) {
    for (const message of messages) {
      for (const request of recording.requestsIn(message)) {
        const { signal, bytes } = request
        const items = timesOfRequest(signal, bytes, times.clear())
        if (items instanceof Malformed) {
          recording.reject(items.message)
          continue
        }
        const number = spool.add(request)
        const summary = times.summary()
        asItStands.add(number, summary)
        if (signal !== 'traces' || !(summary.lastMs - summary.firstMs > EXPORT_INTERVAL_MS)) {
          inPieces.add(number, summary)
          continue
        }
        for (const piece of cutByTime(bytes, memory)) {
          timesOfRequest(signal, piece, times.clear())
          inPieces.add(spool.add({ signal, bytes: piece }), times.summary())
        }
      }
    }
  }
  asItStands.end()
  inPieces.end()
  if (asItStands.behindMs <= graceMs) return { ordering: 'arrival', spool, numbers: asItStands.numbers }
  return { ordering: 'sorted', spool, numbers: inPieces.byTime() }
}

/** Requests of the spool, each with its place by time. */
class Places {
  readonly numbers: number[] = []
  /** How far behind what stands before it one lies at most. */
  behindMs = 0
  readonly #order = new ArrivalOrder<number>()
  /** By index in `numbers`. */
  readonly #keys: bigint[] = []
  #key = 0n

  add(number: number, times: TimeSummary): void {
    const arrival = this.#order.push(number, times)
    if (arrival !== null) this.#put(arrival)
  }

  end(): void {
    for (let arrival = this.#order.end(); arrival !== null; arrival = this.#order.end()) this.#put(arrival)
  }

  /** The numbers by time; those of one time in the order in which they came. */
  byTime(): number[] {
    const keys = this.#keys
    const order = keys.map((_, i) => i)
    order.sort((a, b) => compare(keys[a]!, keys[b]!) || a - b)
    return order.map((i) => this.numbers[i]!)
  }

  #put({ item, lastNano, behindMs }: Arrival<number>): void {
    // What has no time of its own stays with the one before it.
    this.#key = lastNano ?? this.#key
    this.numbers.push(item)
    this.#keys.push(this.#key)
    this.behindMs = Math.max(this.behindMs, behindMs)
  }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
