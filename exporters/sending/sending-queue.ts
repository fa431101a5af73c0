import type { Batch } from '../../component/batch.ts'
import type { ByteBudget } from '../../component/budget.ts'
import type { Clock } from '../../component/clock.ts'
import { ACCEPTED, type Outcome, refused } from '../../component/consumer.ts'
import { GatewayError } from '../../component/errors.ts'
import type { ExporterLedger } from '../../telemetry/ledger.ts'
import { Backoff } from './backoff.ts'
import type { RetryConfig, SendingQueueConfig } from './config.ts'
import { requestsOf } from './cut-batch.ts'
import type { OutgoingRequest } from './outgoing.ts'
import type { PartialSuccess, Sender, SendResult } from './sender.ts'
import type { SendingLog } from './sending-log.ts'

/** While it drains, a queue tries again at least so often, as far as the destination does not ask for a longer pause. */
const DRAIN_RETRY_MS = 1000

interface Entry {
  readonly request: OutgoingRequest
  readonly size: number
  /** Tells the stage before, where it waits for the result. */
  readonly answer: ((outcome: Outcome) => void) | null
  settled: boolean
}

interface Blocked {
  readonly batch: Batch
  readonly answer: (outcome: Outcome | Promise<Outcome>) => void
}

export interface SendingQueueParts {
  readonly config: SendingQueueConfig
  readonly retry: RetryConfig
  /** A batch that would be larger leaves as several requests; 0 is without limit. */
  readonly maxRequestBytes: number
  readonly clock: Clock
  readonly budget: ByteBudget
  readonly ledger: ExporterLedger
  readonly log: SendingLog
  readonly sender: Pick<Sender, 'send'>
  /** 0 to 1, as Math.random. */
  readonly random: () => number
}

/**
 * The bounded queue of one signal before its destination. `queue_size` covers what waits and what is on its way. A full
 * queue refuses (or, with `block_on_overflow`, lets the stage before wait): it never drops. A request that is larger
 * than the whole queue passes when the queue is empty, so that it can pass at all.
 *
 * `accepted = sent + held + failed + dropped` holds in the ledger at any moment.
 */
export class SendingQueue {
  readonly #parts: SendingQueueParts
  readonly #capacity: number
  readonly #consumers: number
  readonly #waiting: Entry[] = []
  readonly #sending = new Set<Entry>()
  /** Callers that wait for room, first come first served. As many as there are callers: each waits for its answer. */
  readonly #blocked: Blocked[] = []
  /** Ends the waits between two attempts early. */
  readonly #wakeUps = new Set<() => void>()
  #size = 0
  #draining = false
  #onEmpty: (() => void) | null = null

  constructor(parts: SendingQueueParts) {
    const { config, ledger } = parts
    this.#parts = parts
    this.#capacity = config.enabled ? config.queue_size : Number.POSITIVE_INFINITY
    this.#consumers = config.enabled ? config.num_consumers : Number.POSITIVE_INFINITY
    ledger.queueCapacity = config.enabled ? config.queue_size : 0
  }

  offer(batch: Batch): Outcome | Promise<Outcome> {
    if (this.#draining) return this.#refuse(batch, shuttingDown())
    const outcome = this.#blocked.length === 0 ? this.#admit(batch) : null
    if (outcome !== null) return outcome
    const { config } = this.#parts
    if (!config.block_on_overflow) return this.#refuse(batch, queueFull(config))
    return new Promise((answer) => this.#blocked.push({ batch, answer }))
  }

  /** Sends what is held, with retries, until `deadlineMs`; the rest is then dropped, counted and logged. */
  drain(deadlineMs: number): Promise<void> {
    this.#draining = true
    for (const { batch, answer } of this.#blocked.splice(0)) answer(this.#refuse(batch, shuttingDown()))
    for (const wakeUp of [...this.#wakeUps]) wakeUp()
    if (this.#waiting.length + this.#sending.size === 0) return Promise.resolve()
    const { clock } = this.#parts
    return new Promise((resolve) => {
      const timer = clock.after(deadlineMs - clock.nowMs(), () => this.#dropAll())
      this.#onEmpty = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  /** Takes the batch if there is room for it; null if there is not. */
  #admit(batch: Batch): Outcome | Promise<Outcome> | null {
    const { config, maxRequestBytes, budget, ledger } = this.#parts
    // What is full for the smallest request need not be encoded to know its size.
    if (!this.#hasRoom(config.sizer === 'items' ? batch.itemCount : 1)) return null
    const requests = requestsOf(batch, maxRequestBytes, budget)
    const size = requests.reduce((sum, request) => sum + sizeOf(request, config.sizer), 0)
    if (!this.#hasRoom(size)) {
      for (const request of requests) request.release()
      return null
    }
    ledger.accepted += batch.itemCount
    ledger.held += batch.itemCount
    this.#resize(size)
    if (config.enabled && !config.wait_for_result) {
      for (const request of requests) this.#push(request, null)
      return ACCEPTED
    }
    const answers = requests.map((request) => new Promise<Outcome>((answer) => this.#push(request, answer)))
    return Promise.all(answers).then(outcomeOfAll)
  }

  #hasRoom(size: number): boolean {
    return this.#size === 0 || this.#size + size <= this.#capacity
  }

  #resize(difference: number): void {
    this.#size += difference
    this.#parts.ledger.queueSize = this.#size
  }

  #refuse(batch: Batch, error: GatewayError): Outcome {
    this.#parts.ledger.enqueueFailed += batch.itemCount
    return refused(error)
  }

  #push(request: OutgoingRequest, answer: Entry['answer']): void {
    this.#waiting.push({ request, size: sizeOf(request, this.#parts.config.sizer), answer, settled: false })
    this.#startSending()
  }

  #startSending(): void {
    while (this.#sending.size < this.#consumers && this.#waiting.length > 0) {
      const entry = this.#waiting.shift()!
      this.#sending.add(entry)
      void this.#deliver(entry)
    }
  }

  /** Attempts and waits, until the request is sent, given up, or dropped at the deadline of the drain. */
  async #deliver(entry: Entry): Promise<void> {
    const { retry, clock, random, log } = this.#parts
    const backoff = new Backoff(retry, clock.nowMs(), random)
    for (;;) {
      const result = await this.#attempt(entry)
      if (entry.settled) return
      if (result.kind === 'sent') return this.#sent(entry, result.partial)
      entry.request.mayBeReadLater()
      const delayMs = result.error.retryable ? backoff.nextDelayMs(clock.nowMs(), result.error.retryAfterMs) : null
      if (delayMs === null) return this.#failed(entry, result.error)
      log.willRetry(result.error, delayMs)
      await this.#sleep(this.#draining ? Math.min(delayMs, result.error.retryAfterMs ?? DRAIN_RETRY_MS) : delayMs)
      if (entry.settled) return
    }
  }

  async #attempt(entry: Entry): Promise<SendResult> {
    const { sender, ledger } = this.#parts
    ledger.inFlightRequests++
    const result = await sender.send(entry.request)
    ledger.inFlightRequests--
    return result
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wakeUp = () => {
        timer.cancel()
        this.#wakeUps.delete(wakeUp)
        resolve()
      }
      const timer = this.#parts.clock.after(delayMs, wakeUp)
      this.#wakeUps.add(wakeUp)
    })
  }

  #sent(entry: Entry, partial: PartialSuccess | null): void {
    const { items } = entry.request
    const { ledger, log } = this.#parts
    ledger.sent += items
    ledger.rejected += partial?.rejectedItems ?? 0
    log.sent(entry.request, partial)
    this.#settle(
      entry,
      partial === null || partial.rejectedItems === 0
        ? ACCEPTED
        : { kind: 'partial', droppedItems: partial.rejectedItems, reason: 'rejected', message: partial.message },
    )
  }

  #failed(entry: Entry, error: GatewayError): void {
    this.#parts.ledger.failed += entry.request.items
    this.#parts.log.givenUp(entry.request, error)
    this.#settle(entry, refused(error))
  }

  /** The deadline of the drain: nothing more will be sent. What is on its way may still arrive, but nobody waits for it. */
  #dropAll(): void {
    const { ledger, log } = this.#parts
    const left = [...this.#sending, ...this.#waiting.splice(0)]
    const items = left.reduce((sum, { request }) => sum + request.items, 0)
    if (left.length > 0) log.droppedAtShutdown(left[0]!.request.signal, left.length, items)
    for (const entry of left) {
      ledger.drop('shutdown', entry.request.items)
      entry.request.mayBeReadLater()
      this.#settle(entry, refused(shuttingDown()))
    }
    for (const wakeUp of [...this.#wakeUps]) wakeUp()
  }

  /** The entry's items have just been counted as sent, failed or dropped: they are held no longer. */
  #settle(entry: Entry, outcome: Outcome): void {
    entry.settled = true
    this.#parts.ledger.held -= entry.request.items
    this.#resize(-entry.size)
    this.#sending.delete(entry)
    entry.request.release()
    entry.answer?.(outcome)
    this.#unblock()
    this.#startSending()
    if (this.#waiting.length + this.#sending.size === 0) this.#onEmpty?.()
  }

  #unblock(): void {
    while (this.#blocked.length > 0) {
      const outcome = this.#admit(this.#blocked[0]!.batch)
      if (outcome === null) return
      this.#blocked.shift()!.answer(outcome)
    }
  }
}

function sizeOf(request: OutgoingRequest, sizer: SendingQueueConfig['sizer']): number {
  switch (sizer) {
    case 'requests':
      return 1
    case 'items':
      return request.items
    case 'bytes':
      return request.bytes.byteLength
  }
}

/** Of the requests of one batch: refused if one is, since a sender can only repeat the whole. */
function outcomeOfAll(outcomes: readonly Outcome[]): Outcome {
  let droppedItems = 0
  let partial: Outcome | null = null
  for (const outcome of outcomes) {
    if (outcome.kind === 'refused') return outcome
    if (outcome.kind !== 'partial') continue
    droppedItems += outcome.droppedItems
    partial = { ...outcome, droppedItems }
  }
  return partial ?? ACCEPTED
}

function queueFull({ queue_size, sizer }: SendingQueueConfig): GatewayError {
  const message = `the sending queue is full (queue_size ${queue_size} ${sizer}): the destination takes less than comes in`
  return new GatewayError('queue_full', message, { retryable: true })
}

function shuttingDown(): GatewayError {
  return new GatewayError('shutting_down', 'the exporter is shutting down', { retryable: true })
}
