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
import { RequestTimes, timesOfRequest, timesOfSpans } from './request-times.ts'
import { type Ordering, type Survey, survey } from './survey.ts'
import { TraceCount } from './trace-count.ts'

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
/**
 * Among the first requests half the grace is taken for disorder already: what is stored by trace shows it at once, and to
 * begin anew costs next to nothing yet. A survey then sees how far it goes.
 */
const FIRST_REQUESTS = 1024

interface Decoded {
  readonly batch: Batch
  readonly firstNano: bigint | null
}

/**
 * One input of a replay: the batches of a recording in the order of their arrival. `fill` and `take` until `peek` gives
 * nothing more, or `needsSurvey` says that the recording has to be read again, `surveyed` first.
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
  /** Something lies too far behind what stands before it to go on without a survey, as in a file by trace. */
  needsSurvey = false
  readonly #graceMs: number
  readonly #refs: RefCache
  readonly #budget: ByteBudget
  readonly #sizes = new SpanSizes()
  readonly #times = new RequestTimes()
  readonly #order = new ArrivalOrder<Decoded>()
  readonly #surveyed: boolean
  #survey: Survey | null = null
  /** What is still to be decoded: groups of messages, and the one at hand; or requests of the survey. */
  #groups: AsyncIterator<readonly RawMessage[]> | null = null
  #group: readonly RawMessage[] = []
  #groupAt = 0
  #requests: Iterator<SignalBytes> | null = null
  #queue: Arrival<Decoded>[] = []
  #head = 0
  #arrived = 0
  #ended = false

  constructor(recording: Recording, surveyed: boolean, graceMs: number, refs: RefCache, budget: ByteBudget) {
    this.recording = recording
    this.#surveyed = surveyed
    this.#graceMs = graceMs
    this.#refs = refs
    this.#budget = budget
  }

  get ordering(): Ordering {
    return this.#survey?.ordering ?? 'arrival'
  }

  /** Makes the next arrivals available, unless there are some, or none any more. */
  async fill(): Promise<void> {
    if (this.#survey === null && this.#surveyed) await this.#makeSurvey()
    while (this.#head === this.#queue.length && !this.#ended) {
      this.#queue = []
      this.#head = 0
      if (this.#requests !== null) this.#decodeSurveyed(this.#requests)
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

  /** How much of the file is done with; half of the work is the survey, where there is one. */
  get bytesDone(): number {
    const { bytesRead } = this.recording
    return this.#surveyed ? (bytesRead * (1 + (this.#survey?.spool.shareRead ?? 0))) / 2 : bytesRead
  }

  async close(): Promise<void> {
    await this.#groups?.return?.()
    this.#survey?.spool.close()
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

  #decodeSurveyed(requests: Iterator<SignalBytes>): void {
    for (let i = 0; i < DECODED_AT_ONCE; i++) {
      const { done, value } = requests.next()
      if (done) {
        this.#end()
        return
      }
      this.#decode(value)
    }
  }

  async #makeSurvey(): Promise<void> {
    this.#survey = await survey(this.recording, this.#graceMs, this.#budget.memory)
    const { spool, numbers } = this.#survey
    this.#requests = spool.inOrder(numbers)
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
      this.traces.add(table)
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
    const limitMs = this.#arrived++ < FIRST_REQUESTS ? this.#graceMs / 2 : this.#graceMs
    if (!this.#surveyed && arrival.behindMs > limitMs) this.needsSurvey = true
    this.#queue.push(arrival)
  }

  #count({ batch, firstNano }: Decoded, lastNano: bigint | null): void {
    const { counts } = this
    switch (batch.signal) {
      case 'traces':
        counts.spans += batch.table.count
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
