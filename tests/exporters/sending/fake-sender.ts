import { GatewayError } from '../../../component/errors.ts'
import type { OutgoingRequest } from '../../../exporters/sending/outgoing.ts'
import type { Sender, SendResult } from '../../../exporters/sending/sender.ts'

export const SENT: SendResult = { kind: 'sent', partial: null }

export function unavailable(retryAfterMs?: number): SendResult {
  const retryAfter = retryAfterMs === undefined ? {} : { retryAfterMs }
  return {
    kind: 'failed',
    error: new GatewayError('backend_unavailable', 'UNAVAILABLE: away', { retryable: true, ...retryAfter }),
  }
}

export const REJECTED: SendResult = {
  kind: 'failed',
  error: new GatewayError('backend_rejected', 'INVALID_ARGUMENT: no', { retryable: false }),
}

export interface Attempt {
  readonly request: OutgoingRequest
  finish(result: SendResult): void
}

/** A sender whose attempts the test finishes, in any order. */
export class FakeSender implements Sender {
  /** Attempts that are under way. */
  readonly open: Attempt[] = []
  attempts = 0
  closed = false

  async start(): Promise<void> {}

  send(request: OutgoingRequest): Promise<SendResult> {
    this.attempts++
    return new Promise((resolve) => {
      const attempt: Attempt = {
        request,
        finish: (result) => {
          this.open.splice(this.open.indexOf(attempt), 1)
          resolve(result)
        },
      }
      this.open.push(attempt)
    })
  }

  close(): void {
    this.closed = true
    for (const attempt of [...this.open])
      attempt.finish({
        kind: 'failed',
        error: new GatewayError('backend_unavailable', 'CANCELLED: closed', { retryable: true }),
      })
  }
}

/** Lets everything run that waits for a promise and for no timer. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}
