import type { BufferMemory } from '../../otlp/buffer-memory.ts'
import type { SignalBytes } from '../../otlp/json/json-to-protobuf.ts'
import { Malformed } from '../../otlp/malformed.ts'
import type { Recording } from '../../receivers/file/recording.ts'
import { type Arrival, ArrivalOrder } from './arrival-order.ts'
import { cutByTime, EXPORT_INTERVAL_MS } from './cut-by-time.ts'
import { RequestTimes, timesOfRequest } from './request-times.ts'
import { Spool } from './spool.ts'

/** How the requests of an input were put in order: as they stand, or by time because they did not stand by time. */
export type Ordering = 'arrival' | 'sorted'

/** What reading a recording to its end has shown: the order to take it in, and all of its requests. */
export interface Survey {
  readonly ordering: Ordering
  readonly spool: Spool
}

/**
 * Reads a recording to its end before anything of it is delivered. Where something lies further behind than
 * the grace it is sorted, requests that hold spans of more than an export interval cut before; otherwise it stays as it is.
 */
export async function survey(recording: Recording, graceMs: number, memory: BufferMemory): Promise<Survey> {
  const whole = new Places()
  for await (const messages of recording.rawMessages()) {
    for (const message of messages) {
      for (const request of recording.requestsIn(message)) {
        const malformed = whole.add(request)
        if (malformed !== null) recording.reject(malformed.message)
      }
    }
  }
  whole.end()
  if (whole.behindMs <= graceMs) return { ordering: 'arrival', spool: whole.spool }
  if (whole.wide.size === 0) return { ordering: 'sorted', spool: whole.spool }
  const cut = new Places()
  let number = 0
  for (const request of whole.spool.asTheyCame()) {
    if (!whole.wide.has(number++)) cut.add(request)
    else for (const bytes of cutByTime(request.bytes, memory)) cut.add({ signal: 'traces', bytes })
  }
  cut.end()
  whole.spool.close()
  return { ordering: 'sorted', spool: cut.spool }
}

/** Requests put aside, each with its place by time. */
class Places {
  readonly spool = new Spool()
  /** How far behind what stands before it one lies at most. */
  behindMs = 0
  /** Those that hold spans of more than an export interval. */
  readonly wide = new Set<number>()
  readonly #times = new RequestTimes()
  readonly #order = new ArrivalOrder<number>()
  #key = 0n

  add(request: SignalBytes): Malformed | null {
    const items = timesOfRequest(request.signal, request.bytes, this.#times.clear())
    if (items instanceof Malformed) return items
    const times = this.#times.summary()
    const number = this.spool.add(request)
    if (request.signal === 'traces' && times.lastMs - times.firstMs > EXPORT_INTERVAL_MS) this.wide.add(number)
    const arrival = this.#order.push(number, times)
    if (arrival !== null) this.#put(arrival)
    return null
  }

  end(): void {
    for (let arrival = this.#order.end(); arrival !== null; arrival = this.#order.end()) this.#put(arrival)
  }

  #put({ item, lastNano, behindMs }: Arrival<number>): void {
    // What has no time of its own stays with the one before it.
    this.#key = lastNano ?? this.#key
    this.spool.order(item, this.#key)
    this.behindMs = Math.max(this.behindMs, behindMs)
  }
}
