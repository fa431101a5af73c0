import type { Signal } from '../../component/signal.ts'
import { encodeMessage, encodeResponse } from './otlp-oracle.ts'

/** What a sink does with a request: take it, take a part of it, refuse it, or never answer. */
export type SinkAnswer =
  | { readonly kind: 'accept' }
  | { readonly kind: 'partial'; readonly rejected: number; readonly message: string }
  | { readonly kind: 'fail'; readonly code: number; readonly message: string; readonly retryAfterMs?: number }
  | { readonly kind: 'hang' }

/** A request as it came, decompressed. Headers in lower case. */
export interface SinkRequest {
  readonly signal: Signal
  readonly bytes: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

/** The part that the gRPC and the HTTP sink share: what came in, what is to be answered, and who waits for how many. */
export class SinkScript {
  /** Every request that came, refused ones too. */
  readonly attempts: SinkRequest[] = []
  /** The requests that were taken, whole or in part. */
  readonly requests: SinkRequest[] = []
  #answer: SinkAnswer = { kind: 'accept' }
  readonly #once: SinkAnswer[] = []
  #waiting: { readonly reached: () => boolean; readonly resolve: () => void }[] = []

  /** Answers every request so until told otherwise. */
  answer(answer: SinkAnswer): void {
    this.#answer = answer
  }

  /** Answers the next requests so, one each, before the standing answer applies again. */
  answerOnce(...answers: SinkAnswer[]): void {
    this.#once.push(...answers)
  }

  take(request: SinkRequest): SinkAnswer {
    const answer = this.#once.shift() ?? this.#answer
    this.attempts.push(request)
    if (answer.kind === 'accept' || answer.kind === 'partial') this.requests.push(request)
    const ready = this.#waiting.filter((waiter) => waiter.reached())
    this.#waiting = this.#waiting.filter((waiter) => !ready.includes(waiter))
    for (const waiter of ready) waiter.resolve()
    return answer
  }

  /** Resolves when so many requests have been taken. */
  taken(count: number): Promise<void> {
    return this.#until(() => this.requests.length >= count)
  }

  /** Resolves when so many requests have come, refused ones and those left hanging too. */
  attempted(count: number): Promise<void> {
    return this.#until(() => this.attempts.length >= count)
  }

  #until(reached: () => boolean): Promise<void> {
    if (reached()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ reached, resolve }))
  }
}

const REJECTED_FIELD = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
  profiles: 'rejectedProfiles',
} as const satisfies Record<Signal, string>

/** The response message of an answer that takes the request. */
export function responseObject(signal: Signal, answer: SinkAnswer) {
  if (answer.kind !== 'partial') return {}
  return { partialSuccess: { [REJECTED_FIELD[signal]]: String(answer.rejected), errorMessage: answer.message } }
}

export function responseBytes(signal: Signal, answer: SinkAnswer): Uint8Array {
  return encodeResponse(signal, responseObject(signal, answer))
}

/** A google.rpc.Status, with RetryInfo where the answer says how long to wait. */
export function statusBytes(answer: SinkAnswer & { readonly kind: 'fail' }): Uint8Array {
  const { code, message, retryAfterMs } = answer
  if (retryAfterMs === undefined) return encodeMessage('google.rpc.Status', { code, message })
  const retryDelay = { seconds: Math.floor(retryAfterMs / 1000), nanos: (retryAfterMs % 1000) * 1e6 }
  const value = Buffer.from(encodeMessage('google.rpc.RetryInfo', { retryDelay })).toString('base64')
  const details = [{ type_url: 'type.googleapis.com/google.rpc.RetryInfo', value }]
  return encodeMessage('google.rpc.Status', { code, message, details })
}
