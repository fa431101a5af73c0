import { type Batch, BytesBatch, TracesBatch } from '../../component/batch.ts'
import type { ByteBudget } from '../../component/budget.ts'
import { ownedSource } from '../../component/owned-source.ts'
import { concatenated } from '../../otlp/buffer-memory.ts'
import type { SignalBytes } from '../../otlp/json/json-to-protobuf.ts'
import { Malformed } from '../../otlp/malformed.ts'
import type { RefCache } from '../../otlp/resource-cache.ts'
import { scanTraces } from '../../otlp/scan-traces.ts'
import { SpanSizes } from '../../otlp/span-sizes.ts'
import { SpanTable } from '../../otlp/span-table.ts'
import type { Recording } from '../../receivers/file/recording.ts'
import type { RawMessage } from '../../receivers/file/splitter.ts'
import { type Arrival, ArrivalOrder } from './arrival-order.ts'
import { cutByTime, EXPORT_INTERVAL_MS } from './cut-by-time.ts'
import { RequestTimes, timesOfRequest, timesOfSpans } from './request-times.ts'
import { Spool } from './spool.ts'
import { TraceCount } from './trace-count.ts'

/** How the requests of an input were put in order: as they stand, or by time because they did not stand by time. */
export type Ordering = 'arrival' | 'sorted'

/** What an input held, for the report. */
export interface InputCounts {
  spans: number
  metricPoints: number
  logRecords: number
  profiles: number
  firstUnixNano: bigint | null
  lastUnixNano: bigint | null
}

/** Requests that are decoded before one is delivered, beside those that the order looks ahead. */
const DECODED_AT_ONCE = 32

interface Decoded {
  readonly batch: Batch
  readonly firstNano: bigint | null
}

/**
 * One input of a replay: the batches of a recording in the order of their arrival. `fill` and `take` until `peek` gives
 * nothing more, or `isOutOfOrder` says that the recording has to be read as a `sorted` one.
 */
export class ReplayInput {
  readonly recording: Recording
  readonly counts: InputCounts = {
    spans: 0,
    metricPoints: 0,
    logRecords: 0,
    profiles: 0,
    firstUnixNano: null,
    lastUnixNano: null,
  }
  readonly traces = new TraceCount()
  readonly ordering: Ordering
  /** Read as it stands, but something lies more than the grace behind what stands before it, as in a file by trace. */
  isOutOfOrder = false
  readonly #graceMs: number
  readonly #refs: RefCache
  readonly #budget: ByteBudget
  readonly #sizes = new SpanSizes()
  readonly #times = new RequestTimes()
  readonly #order = new ArrivalOrder<Decoded>()
  /** What is still to be decoded: groups of messages, and the one at hand; or requests in their order. */
  #groups: AsyncIterator<readonly RawMessage[]> | null = null
  #group: readonly RawMessage[] = []
  #groupAt = 0
  #sorted: Iterator<SignalBytes> | null = null
  #queue: Arrival<Decoded>[] = []
  #head = 0
  #spool: Spool | null = null
  #ended = false

  constructor(recording: Recording, ordering: Ordering, graceMs: number, refs: RefCache, budget: ByteBudget) {
    this.recording = recording
    this.ordering = ordering
    this.#graceMs = graceMs
    this.#refs = refs
    this.#budget = budget
  }

  /** Makes the next arrivals available, unless there are some, or none any more. */
  async fill(): Promise<void> {
    if (this.#sorted === null && this.ordering === 'sorted') await this.#sort()
    while (this.#head === this.#queue.length && !this.#ended) {
      this.#queue = []
      this.#head = 0
      if (this.#sorted !== null) this.#decodeSorted(this.#sorted)
      else await this.#decodeMessages()
    }
  }

  /** What arrives next; null where `fill` has to be called, and after it where nothing is left. */
  peek(): Arrival<Decoded> | null {
    return this.#queue[this.#head] ?? null
  }

  /** The next batch, counted; the caller releases it. */
  take(): Batch {
    const { item, lastNano } = this.#queue[this.#head++]!
    this.#count(item, lastNano)
    return item.batch
  }

  /** How much of the file is done with; half of the work of one that is sorted is to put it in order. */
  get bytesDone(): number {
    const { bytesRead } = this.recording
    return this.ordering === 'arrival' ? bytesRead : (bytesRead * (1 + (this.#spool?.shareRead ?? 0))) / 2
  }

  async close(): Promise<void> {
    await this.#groups?.return?.()
    this.#spool?.close()
  }

  /** A few at a time: what is decoded lives until it has been delivered. */
  async #decodeMessages(): Promise<void> {
    if (this.#groupAt === this.#group.length) {
      this.#groups ??= this.recording.rawMessages()
      const { done, value } = await this.#groups.next()
      if (done) {
        this.#end()
        return
      }
      this.#group = value
      this.#groupAt = 0
    }
    const stop = Math.min(this.#group.length, this.#groupAt + DECODED_AT_ONCE)
    while (this.#groupAt < stop) {
      for (const request of this.recording.requestsIn(this.#group[this.#groupAt++]!)) this.#decode(request)
    }
  }

  #decodeSorted(requests: Iterator<SignalBytes>): void {
    for (let i = 0; i < DECODED_AT_ONCE; i++) {
      const { done, value } = requests.next()
      if (done) {
        this.#end()
        return
      }
      this.#decode(value)
    }
  }

  async #sort(): Promise<void> {
    const spool = new Spool()
    const order = new ArrivalOrder<number>()
    let key = 0n
    const put = (arrival: Arrival<number> | null) => {
      if (arrival === null) return
      // What has no time of its own stays with the one before it.
      key = arrival.lastNano ?? key
      spool.order(arrival.item, key)
    }
    for await (const messages of this.recording.rawMessages()) {
      for (const message of messages) {
        for (const request of this.recording.requestsIn(message)) {
          const items = timesOfRequest(request.signal, request.bytes, this.#times.clear())
          if (items instanceof Malformed) {
            this.recording.reject(items.message)
            continue
          }
          const times = this.#times.summary()
          if (request.signal !== 'traces' || !(times.lastMs - times.firstMs > EXPORT_INTERVAL_MS)) {
            put(order.push(spool.add(request), times))
            continue
          }
          for (const bytes of cutByTime(request.bytes, this.#budget.memory)) {
            timesOfRequest('traces', bytes, this.#times.clear())
            put(order.push(spool.add({ signal: 'traces', bytes }), this.#times.summary()))
          }
        }
      }
    }
    for (let arrival = order.end(); arrival !== null; arrival = order.end()) put(arrival)
    this.#spool = spool
    this.#sorted = spool.inOrder()
  }

  #decode({ signal, bytes }: SignalBytes): void {
    const times = this.#times.clear()
    // A copy: where the bytes lie the next ones will be read.
    const source = ownedSource(concatenated([bytes], this.#budget.memory), this.#budget)
    let batch: Batch
    let firstNano: bigint | null
    if (signal === 'traces') {
      const table = scanTraces(
        source,
        this.#refs,
        new SpanTable(this.#sizes.likelySpans(bytes.length), this.#budget.memory),
      )
      if (table instanceof Malformed) {
        this.recording.reject(table.message)
        source.release()
        return
      }
      this.#sizes.observe(bytes.length, table.count)
      firstNano = timesOfSpans(table, times)
      batch = new TracesBatch(table)
    } else {
      const items = timesOfRequest(signal, bytes, times)
      if (items instanceof Malformed) {
        this.recording.reject(items.message)
        source.release()
        return
      }
      firstNano = times.firstNano
      batch = new BytesBatch(signal, source, items)
    }
    const arrival = this.#order.push({ batch, firstNano }, times.summary())
    if (arrival !== null) this.#arrive(arrival)
  }

  #end(): void {
    this.#ended = true
    for (let arrival = this.#order.end(); arrival !== null; arrival = this.#order.end()) this.#arrive(arrival)
  }

  #arrive(arrival: Arrival<Decoded>): void {
    if (this.ordering === 'arrival' && arrival.behindMs > this.#graceMs) this.isOutOfOrder = true
    this.#queue.push(arrival)
  }

  #count({ batch, firstNano }: Decoded, lastNano: bigint | null): void {
    const { counts } = this
    switch (batch.signal) {
      case 'traces':
        counts.spans += batch.table.count
        this.traces.add(batch.table)
        break
      case 'metrics':
        counts.metricPoints += batch.itemCount
        break
      case 'logs':
        counts.logRecords += batch.itemCount
        break
      case 'profiles':
        counts.profiles += batch.itemCount
        break
    }
    if (firstNano !== null && (counts.firstUnixNano === null || firstNano < counts.firstUnixNano))
      counts.firstUnixNano = firstNano
    if (lastNano !== null && (counts.lastUnixNano === null || lastNano > counts.lastUnixNano))
      counts.lastUnixNano = lastNano
  }
}
