import type { GatewayError } from '../../component/errors.ts'
import type { OutgoingRequest } from './outgoing.ts'

/** What became of one attempt. The error says whether another one may help, and how long to wait for it at least. */
export type SendResult =
  | { readonly kind: 'sent'; readonly partial: PartialSuccess | null }
  | { readonly kind: 'failed'; readonly error: GatewayError }

/** The destination took the request but not all of it. */
export interface PartialSuccess {
  readonly rejectedItems: number
  readonly message: string
}

/** The part of a sending exporter that knows its protocol: one attempt at a time, nothing kept between them. */
export interface Sender {
  /** Rejects with a GatewayError `start_failed`; does not wait for the destination, which may come later. */
  start(): Promise<void>
  /** Never rejects, and settles within the configured timeout or when `close` is called. */
  send(request: OutgoingRequest): Promise<SendResult>
  close(): void | Promise<void>
}
