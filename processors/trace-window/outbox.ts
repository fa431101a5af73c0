import type { TracesBatch } from '../../component/batch.ts'
import type { ProcessorSettings } from '../../component/component.ts'
import { type Consumer, type Outcome, refused } from '../../component/consumer.ts'
import { GatewayError } from '../../component/errors.ts'
import { SpanEdits } from '../../otlp/span-edits.ts'
import { RareLines } from '../../telemetry/rare-lines.ts'
import type { TraceStore } from './trace-store.ts'
import type { TraceStructure } from './trace-structure.ts'
import { WholeTraces } from './whole-traces.ts'

/** How long the window waits before it offers a refused batch again, unless the refusal says. */
const RETRY_MS = 100

/**
 * Traces that have left the store, on their way to the next stage: batches of whole traces, one offered at a time. What
 * is refused for now stays and is offered again.
 */
export class Outbox {
  readonly #settings: ProcessorSettings<'traces'>
  readonly #next: Consumer<TracesBatch>
  readonly #lines: RareLines
  readonly #whole: WholeTraces
  /** Traces that are not analysed while the gateway is overloaded: they go on past the detectors. */
  readonly #aside: WholeTraces
  /** The batch that the next stage has been offered and has not taken. */
  #offered: TracesBatch | null = null
  #retryAtMs = 0
  #sending: Promise<void> | null = null

  constructor(settings: ProcessorSettings<'traces'>, next: Consumer<TracesBatch>) {
    this.#settings = settings
    this.#next = next
    this.#lines = new RareLines(settings.logger, settings.clock)
    this.#whole = new WholeTraces(settings.budget.memory)
    this.#aside = new WholeTraces(settings.budget.memory)
  }

  /** Spans that wait to be offered. */
  get spanCount(): number {
    return this.#whole.spanCount + this.#aside.spanCount
  }

  /** The next stage has refused a batch, or is still looking at it. */
  get isBlocked(): boolean {
    return this.#offered !== null
  }

  add(store: TraceStore, structure: TraceStructure, state: number): void {
    this.#whole.add(store, structure, state)
  }

  addUnanalysed(store: TraceStore, structure: TraceStructure, state: number): void {
    this.#aside.add(store, structure, state)
  }

  /** Offers what waits to the next stage; false when it is refused or still being looked at. */
  send(): boolean {
    for (;;) {
      if (this.#sending) return false
      if (this.#offered && this.#settings.clock.nowMs() < this.#retryAtMs) return false
      const batch = this.#takeBatch()
      if (batch === null) return true
      if (!this.#offer(batch)) return false
    }
  }

  /** Sends all that waits; at the deadline what the next stage still refuses is dropped, and counted. */
  async drain(deadlineMs: number): Promise<void> {
    const { clock, ledger } = this.#settings
    for (this.send(); this.#hasMore; this.send()) {
      if (this.#sending) await this.#sending
      else if (clock.nowMs() >= deadlineMs) break
      else if (this.#offered)
        await new Promise<void>((resolve) => clock.after(Math.min(RETRY_MS, deadlineMs - clock.nowMs()), resolve))
    }
    for (let batch = this.#takeBatch(); batch !== null; batch = this.#takeBatch()) {
      ledger.drop('shutdown', batch.table.count)
      this.#letGo(batch)
    }
  }

  get #hasMore(): boolean {
    return this.#sending !== null || this.#offered !== null || this.spanCount > 0
  }

  /** What is to be offered next: what was refused, then whole traces, then those that go past the detectors. */
  #takeBatch(): TracesBatch | null {
    if (this.#offered) return this.#offered
    if (this.#whole.spanCount > 0) {
      const batch = this.#whole.take()
      if (this.#settings.unread) batch.edits = new SpanEdits(batch.table, null, true)
      return batch
    }
    return this.#aside.spanCount > 0 ? this.#aside.takeUnanalysed() : null
  }

  #offer(batch: TracesBatch): boolean {
    this.#offered = batch
    const outcome = this.#next.consume(batch)
    if (!(outcome instanceof Promise)) return this.#settle(batch, outcome)
    this.#sending = outcome.then(
      (settled) => {
        this.#sending = null
        this.#settle(batch, settled)
      },
      (error: unknown) => {
        this.#sending = null
        this.#settle(
          batch,
          refused(new GatewayError('internal', 'the next stage failed', { retryable: false, cause: error })),
        )
      },
    )
    return false
  }

  /** False where the batch stays. */
  #settle(batch: TracesBatch, outcome: Outcome): boolean {
    const { ledger, clock } = this.#settings
    if (outcome.kind === 'refused' && outcome.error.retryable) {
      this.#retryAtMs = clock.nowMs() + (outcome.error.retryAfterMs ?? RETRY_MS)
      return false
    }
    if (outcome.kind === 'refused') {
      ledger.drop('rejected', batch.table.count)
      this.#lines.error('whole traces were refused for good by the next stage', {
        spans: batch.table.count,
        error: outcome.error,
      })
    }
    this.#letGo(batch)
    return true
  }

  #letGo(batch: TracesBatch): void {
    this.#settings.ledger.held -= batch.table.count
    this.#offered = null
    batch.release()
  }
}
