import type { TracesBatch } from '../../component/batch.ts'
import type { Timer } from '../../component/clock.ts'
import type { Processor, ProcessorFactory, ProcessorSettings } from '../../component/component.ts'
import { ACCEPTED, type Consumer, type Outcome, refused } from '../../component/consumer.ts'
import { GatewayError } from '../../component/errors.ts'
import { ownedSource } from '../../component/owned-source.ts'
import { bytesFrom } from '../../otlp/buffer-memory.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { scanTraces } from '../../otlp/scan-traces.ts'
import { Column, ROW_WORDS, SpanKind, SpanTable } from '../../otlp/span-table.ts'
import { TraceState } from '../../otlp/trace-index.ts'
import { AnsweredCalls } from './answered-calls.ts'
import { configSchema, type TraceWindowConfig } from './config.ts'
import { spanHashA, spanHashB } from './id-hash.ts'
import { LookAhead } from './look-ahead.ts'
import { Outbox } from './outbox.ts'
import { PassedSpans } from './passed-spans.ts'
import { TraceStore } from './trace-store.ts'
import { TraceStructure } from './trace-structure.ts'
import { observeWindow } from './window-metrics.ts'

const NONE = -1
const TICK_MS = 100
/** The part of late_max_bytes for the traces that went on incomplete. */
const INCOMPLETE_SHARE = 0.1
/** A request of which less than this is still live is copied out. */
const LARGEST_DEAD_LIVE_SHARE = 0.25
/**
 * Copying out looks at every span that waits, so it is for when it frees as much as it leaves: when more than half of the
 * retained bytes are dead, and they are some.
 */
const COMPACT_FROM_BYTES = 4 * 1024 * 1024
const COMPACT_FROM_DEAD_SHARE = 0.5

/**
 * Gathers the spans of a trace and hands whole traces on, many in one table. What the next stage refuses stays here and
 * is offered again; until it is taken, new data is refused, so that nothing acknowledged is lost.
 */
class TraceWindow implements Processor<'traces'> {
  readonly #settings: ProcessorSettings<'traces'>
  readonly #config: TraceWindowConfig
  readonly #outbox: Outbox
  readonly #store = new TraceStore()
  readonly #passed: PassedSpans
  /** Traces that went on incomplete: what comes of them later, a root too, is late. */
  readonly #passedIncomplete: PassedSpans
  readonly #calls = new AnsweredCalls()
  readonly #structure: TraceStructure
  readonly #refs = new RefCache()
  readonly #limitBytes: number
  readonly #ahead = new LookAhead()
  #startMs = 0
  #timer: Timer | null = null
  #stopping = false
  #storeBytes = 0
  #evictedTraces = 0
  #shedTraces = 0
  #takeOutOfReport: () => void = () => {}

  constructor(settings: ProcessorSettings<'traces'>, config: TraceWindowConfig, next: Consumer<TracesBatch>) {
    this.#settings = settings
    this.#config = config
    this.#outbox = new Outbox(settings, next)
    this.#passed = new PassedSpans(config.late_grace, config.late_max_bytes * (1 - INCOMPLETE_SHARE))
    this.#passedIncomplete = new PassedSpans(config.late_grace, config.late_max_bytes * INCOMPLETE_SHARE)
    this.#structure = new TraceStructure(this.#passed, this.#calls)
    this.#limitBytes = config.max_bytes || settings.budget.limitBytes / 2
  }

  async start(): Promise<void> {
    const { clock, findings } = this.#settings
    this.#startMs = clock.nowMs()
    this.#timer = clock.every(TICK_MS, () => this.#tick())
    this.#takeOutOfReport = findings.contribute({
      limits: () => ({ evicted_traces: this.#evictedTraces, shed_traces: this.#shedTraces }),
    })
    this.#observe()
  }

  /** Hands on all that waits, whole or not; gives up at the deadline with what the next stage still refuses. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true
    this.#timer?.cancel()
    while (this.#store.traces.byAge.first !== NONE) this.#close(this.#store.traces.byAge.first, TraceState.unknown)
    await this.#outbox.drain(deadlineMs)
    this.#settings.budget.release(this.#storeBytes)
    this.#storeBytes = 0
    this.#takeOutOfReport()
  }

  consume(batch: TracesBatch): Outcome {
    if (this.#stopping)
      return refused(new GatewayError('shutting_down', 'the gateway is stopping', { retryable: true }))
    if (this.#outbox.isBlocked)
      return refused(
        new GatewayError('queue_full', 'the stage after trace_window takes no data at the moment', {
          retryable: true,
          retryAfterMs: 1000,
        }),
      )
    const nowMs = this.#settings.clock.nowMs()
    if (batch.edits === null || batch.edits.isEmpty) this.#add(batch.table, nowMs)
    else this.#addEdited(batch, nowMs)
    this.#accountStore()
    this.#closeDue(nowMs)
    this.#evict()
    this.#outbox.send()
    return ACCEPTED
  }

  #add(table: SpanTable, nowMs: number): void {
    this.#store.add(table, nowMs)
    this.#settings.ledger.held += table.count
  }

  /** What a processor before the window changed is written out first: waiting spans are bytes and columns only. */
  #addEdited(batch: TracesBatch, nowMs: number): void {
    const { budget } = this.#settings
    const source = ownedSource(batch.encode(budget.memory), budget)
    const table = scanTraces(source, this.#refs, new SpanTable(batch.table.count, budget.memory))
    if (!(table instanceof SpanTable)) throw new Error(`edited spans cannot be read again: ${table.message}`)
    this.#add(table, nowMs)
    table.release()
  }

  #tick(): void {
    const nowMs = this.#settings.clock.nowMs()
    this.#closeDue(nowMs)
    this.#evict()
    this.#passed.expire(nowMs)
    this.#passedIncomplete.expire(nowMs)
    const dead = this.#store.deadBytes
    if (dead > COMPACT_FROM_BYTES && dead > this.#store.retainedBytes * COMPACT_FROM_DEAD_SHARE) this.#compact()
    this.#outbox.send()
  }

  #closeDue(nowMs: number): void {
    const { quiet_complete, quiet, max_wait } = this.#config
    const store = this.#store
    let fetched = 0
    for (let trace = store.traces.fresh.first; trace !== NONE; trace = store.traces.fresh.first) {
      if (this.#isHeldUp()) return
      if (store.traces.lastNewsMs(trace) + quiet_complete > nowMs) break
      if (fetched === 0) fetched = this.#ahead.fetch(store, this.#passed, this.#passedIncomplete, quiet_complete, nowMs)
      fetched--
      this.#structure.read(store, trace)
      if (this.#structure.settled) this.#hand(trace, TraceState.complete)
      else store.traces.waitLonger(trace)
    }
    for (let trace = store.traces.waiting.first; trace !== NONE; trace = store.traces.waiting.first) {
      if (this.#isHeldUp()) return
      if (store.traces.lastNewsMs(trace) + quiet > nowMs) break
      this.#close(trace, TraceState.incomplete)
    }
    for (let trace = store.traces.byAge.first; trace !== NONE; trace = store.traces.byAge.first) {
      if (this.#isHeldUp()) return
      if (store.traces.firstSeenMs(trace) + max_wait > nowMs) break
      this.#close(trace, TraceState.incomplete)
    }
  }

  /** A full batch waits for the next stage: traces wait too, or all that is due meanwhile would leave as one request. */
  #isHeldUp(): boolean {
    return this.#outbox.spanCount >= this.#config.max_batch_spans && !this.#outbox.send()
  }

  /** Lets the oldest traces go unjudged while a limit is passed. */
  #evict(): void {
    const store = this.#store
    const { budget } = this.#settings
    while (
      store.traces.count > this.#config.max_traces ||
      (store.traces.byAge.first !== NONE && (store.retainedBytes > this.#limitBytes || budget.underPressure))
    ) {
      this.#evictedTraces++
      this.#close(store.traces.byAge.first, TraceState.unknown)
      // Under pressure a batch must go on before the next trace is looked at, or all would be evicted for one.
      if (this.#isHeldUp()) break
    }
  }

  #close(trace: number, state: number): void {
    this.#structure.read(this.#store, trace)
    this.#hand(trace, state === TraceState.incomplete && this.#structure.complete ? TraceState.complete : state)
  }

  /** Gives the trace that `#structure` has read to the next batch. */
  #hand(trace: number, state: number): void {
    const store = this.#store
    const structure = this.#structure
    const nowMs = this.#settings.clock.nowMs()
    const hash = store.traces.hash(trace)
    const isLate = structure.passed > 0 || this.#passedIncomplete.hasTrace(hash)
    if (state !== TraceState.unknown && isLate) state = TraceState.late
    else if (state === TraceState.incomplete && this.#isFromBeforeStart(trace)) state = TraceState.unknown
    const words = store.words
    if (!structure.complete) this.#passedIncomplete.markTrace(hash, nowMs)
    this.#passed.addTrace(hash, structure.count, nowMs)
    for (let i = 0; i < structure.count; i++) {
      const at = structure.spans[i]! * ROW_WORDS
      const hi = words[at + Column.spanId]!
      const lo = words[at + Column.spanId + 1]!
      this.#passed.addSpan(spanHashA(hash, hi, lo), spanHashB(hash, hi, lo))
      if ((words[at + Column.meta]! & 0xff) === SpanKind.client)
        this.#calls.observe(words, at, structure.answered[i] === 1)
    }
    const { overload } = this.#settings
    if (overload === undefined || overload.analyses(store.traces.idLow(trace))) {
      this.#outbox.add(store, structure, state)
    } else {
      this.#shedTraces++
      this.#outbox.addUnanalysed(store, structure, state)
    }
    store.removeTrace(trace)
    if (this.#outbox.spanCount >= this.#config.max_batch_spans) this.#outbox.send()
  }

  /**
   * Whether parts of a trace may have gone another way before the gateway ran: live, for `max_wait` after the start; in
   * a recording, which begins between traces, only what had ended when it began.
   */
  #isFromBeforeStart(trace: number): boolean {
    if (!this.#settings.recorded) return this.#store.traces.firstSeenMs(trace) < this.#startMs + this.#config.max_wait
    for (let i = 0; i < this.#structure.count; i++) {
      const at = this.#structure.spans[i]! * ROW_WORDS + Column.end
      if (this.#store.words[at]! * 4294.967296 + this.#store.words[at + 1]! / 1e6 >= this.#startMs) return false
    }
    return true
  }

  #compact(): void {
    const { budget } = this.#settings
    this.#store.compact(LARGEST_DEAD_LIVE_SHARE, (bytes) => ownedSource(bytesFrom(budget.memory, bytes), budget))
  }

  /** The store's own arrays draw on the byte budget too; they only ever grow. */
  #accountStore(): void {
    const bytes = this.#store.byteLength
    if (bytes === this.#storeBytes) return
    this.#settings.budget.take(bytes - this.#storeBytes)
    this.#storeBytes = bytes
  }

  #observe(): void {
    const { meter, clock, id, pipeline } = this.#settings
    observeWindow(
      meter,
      { processor: id, pipeline },
      {
        traces: () => this.#store.traces.count,
        spans: () => this.#store.spanCount,
        retainedBytes: () => this.#store.retainedBytes,
        lateGraceSeconds: () => this.#passed.effectiveGraceMs(clock.nowMs()) / 1000,
        shedTraces: () => this.#shedTraces,
        evictedTraces: () => this.#evictedTraces,
      },
    )
  }
}

export const factory: ProcessorFactory<TraceWindowConfig> = {
  kind: 'processor',
  type: 'trace_window',
  aliases: [],
  description: 'Gathers the spans of each trace and hands whole traces on, for the detectors after it.',
  signals: ['traces'],
  config: configSchema,
  needsTraceWindow: false,
  create: { traces: (settings, config, next) => new TraceWindow(settings, config, next) },
}
