import type { Batch } from '../../component/batch.ts'
import type { Clock } from '../../component/clock.ts'
import { type Consumer, type DropReason, type Outcome, refused } from '../../component/consumer.ts'
import { GatewayError } from '../../component/errors.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { RareLines } from '../../telemetry/rare-lines.ts'

/** How long a branch waits before it offers again what was refused, unless the refusal says. */
const RETRY_MS = 100

/** Where items are counted as they change hands; a ledger behind it, or nothing. */
export interface Books {
  /** Taken at once. */
  taken(items: number): void
  /** Turned away: whoever brought them still has them. */
  turnedAway(items: number): void
  /** Taken, though the stage behind has not: they wait here. */
  kept(items: number): void
  /** What was kept has gone on, or is lost. */
  settled(items: number, lost: DropReason | null): void
}

export const NO_BOOKS: Books = { taken() {}, turnedAway() {}, kept() {}, settled() {} }

interface Kept<B> {
  readonly batch: B
  readonly items: number
  readonly settled: (lost: DropReason | null) => void
}

/** One of the ways out of a fan-out: a consumer, and the batches that its siblings took when it could not. */
export class Branch<B extends Batch = Batch> {
  /** As messages say it: `exporter "otlp_grpc"`. */
  readonly name: string
  readonly books: Books
  readonly #consumer: Consumer<B>
  readonly #clock: Clock
  readonly #lines: RareLines
  readonly #kept: Kept<B>[] = []
  #delivering: Promise<void> | null = null
  #timerSet = false

  constructor(name: string, consumer: Consumer<B>, books: Books, parts: { clock: Clock; logger: Logger }) {
    this.name = name
    this.books = books
    this.#consumer = consumer
    this.#clock = parts.clock
    this.#lines = new RareLines(parts.logger, parts.clock)
  }

  /** Offers a batch, and counts it in the moment in which it is taken. */
  offer(batch: B, items: number): Outcome | Promise<Outcome> {
    const outcome = this.#consume(batch)
    if (outcome instanceof Promise) return outcome.then((settled) => this.#countTaken(settled, items))
    return this.#countTaken(outcome, items)
  }

  #countTaken(outcome: Outcome, items: number): Outcome {
    if (outcome.kind !== 'refused') this.books.taken(items)
    return outcome
  }

  /** A consumer that throws has a defect, and refuses for good. */
  #consume(batch: B): Outcome | Promise<Outcome> {
    try {
      const outcome = this.#consumer.consume(batch)
      return outcome instanceof Promise ? outcome.catch((error: unknown) => this.#defect(error)) : outcome
    } catch (error) {
      return this.#defect(error)
    }
  }

  /** Tries once more to hand on what waits here; true while something is left. */
  blocked(): boolean {
    if (this.#kept.length > 0) this.#deliver()
    return this.#kept.length > 0
  }

  /** Takes responsibility for a batch that the consumer could not take now. */
  keep(batch: B, items: number, settled: (lost: DropReason | null) => void): void {
    batch.retain()
    this.books.kept(items)
    this.#kept.push({ batch, items, settled })
    this.#retryLater(RETRY_MS)
  }

  /** Hands on all that waits; gives it up at the deadline. */
  async drain(deadlineMs: number): Promise<void> {
    while (this.blocked()) {
      if (this.#delivering !== null) await this.#delivering
      const leftMs = deadlineMs - this.#clock.nowMs()
      if (this.#kept.length === 0) return
      if (leftMs <= 0) {
        while (this.#kept.length > 0) this.#settleFirst('shutdown')
        return
      }
      await new Promise<void>((resolve) => this.#clock.after(Math.min(RETRY_MS, leftMs), resolve))
    }
  }

  /** In the order of arrival, up to the first that is refused again. */
  #deliver(): void {
    while (this.#delivering === null && this.#kept.length > 0) {
      const outcome = this.#consume(this.#kept[0]!.batch)
      if (outcome instanceof Promise) {
        this.#delivering = outcome.then((settled) => {
          this.#delivering = null
          if (this.#settleOffer(settled)) this.#deliver()
        })
      } else if (!this.#settleOffer(outcome)) return
    }
  }

  /** False where the first batch stays. */
  #settleOffer(outcome: Outcome): boolean {
    if (outcome.kind === 'refused' && outcome.error.retryable) {
      this.#retryLater(Math.min(outcome.error.retryAfterMs ?? RETRY_MS, 10 * RETRY_MS))
      return false
    }
    this.#settleFirst(outcome.kind === 'refused' ? 'rejected' : null)
    return true
  }

  #settleFirst(lost: DropReason | null): void {
    const { batch, items, settled } = this.#kept.shift()!
    this.books.settled(items, lost)
    settled(lost)
    batch.release()
  }

  #retryLater(delayMs: number): void {
    if (this.#timerSet) return
    this.#timerSet = true
    this.#clock.after(delayMs, () => {
      this.#timerSet = false
      this.#deliver()
    })
  }

  #defect(error: unknown): Outcome {
    this.#lines.error(`${this.name} met a defect of the gateway; what it was given is refused`, { error })
    const message = `${this.name} failed; the log of the gateway says more`
    return refused(new GatewayError('internal', message, { retryable: false, cause: error }))
  }
}
