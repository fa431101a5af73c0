import type { Clock } from '../../component/clock.ts'
import type { GatewayError } from '../../component/errors.ts'
import { ITEM_NAMES, type Signal } from '../../component/signal.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { OutgoingRequest } from './outgoing.ts'
import type { PartialSuccess } from './sender.ts'

/** A line that could come with every request comes at most once in this time, and then says how many it stands for. */
const QUIET_MS = 10_000

/**
 * What an exporter says of its destination: one line when sending starts to fail, one when it works again, and for what
 * is lost a line, with the totals since the last; each at most every ten seconds, since among requests that are sent side
 * by side some may fail and some not.
 */
export class SendingLog {
  readonly #logger: Logger
  readonly #clock: Clock
  #failingSinceMs: number | null = null
  /** Whether it was said that it fails; and until when that is not said again. */
  #isSaid = false
  #quietUntilMs = 0
  readonly #givenUp = { untilMs: 0, requests: 0, items: 0 }
  readonly #partial = { untilMs: 0, requests: 0, items: 0 }

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger
    this.#clock = clock
  }

  willRetry(error: GatewayError, delayMs: number): void {
    const nowMs = this.#clock.nowMs()
    this.#failingSinceMs ??= nowMs
    if (this.#isSaid || nowMs < this.#quietUntilMs) return
    this.#isSaid = true
    this.#quietUntilMs = nowMs + QUIET_MS
    this.#logger.warn('Sending fails; trying again until it works or max_elapsed_time has passed', {
      error: error.message,
      retryInMs: Math.round(delayMs),
    })
  }

  sent(request: OutgoingRequest, partial: PartialSuccess | null): void {
    if (this.#failingSinceMs !== null) {
      const failedForMs = Math.round(this.#clock.nowMs() - this.#failingSinceMs)
      this.#failingSinceMs = null
      if (this.#isSaid) this.#logger.info('Sending works again', { failedForMs })
      this.#isSaid = false
    }
    if (partial === null) return
    const totals = this.#add(this.#partial, partial.rejectedItems)
    if (totals !== null)
      this.#logger.warn('Partial success response', {
        message: partial.message,
        [`dropped_${ITEM_NAMES[request.signal]}`]: totals.items,
        requests: totals.requests,
      })
  }

  givenUp(request: OutgoingRequest, error: GatewayError): void {
    const totals = this.#add(this.#givenUp, request.items)
    if (totals === null) return
    const why = error.retryable
      ? 'No more retries left; data is lost'
      : 'The destination refused for good; data is lost'
    this.#logger.error(why, { error: error.message, signal: request.signal, ...totals })
  }

  droppedAtShutdown(signal: Signal, requests: number, items: number): void {
    this.#logger.error('The time to shut down is over; what could not be sent is lost', { signal, requests, items })
  }

  /** Adds to the totals; returns them, and begins anew, when a line is due. */
  #add(totals: { untilMs: number; requests: number; items: number }, items: number) {
    totals.requests++
    totals.items += items
    const nowMs = this.#clock.nowMs()
    if (nowMs < totals.untilMs) return null
    const said = { requests: totals.requests, items: totals.items }
    Object.assign(totals, { untilMs: nowMs + QUIET_MS, requests: 0, items: 0 })
    return said
  }
}
