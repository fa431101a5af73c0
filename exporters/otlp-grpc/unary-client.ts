/**
 * What the exporter needs of gRPC: unary calls with the message as bytes. The implementation is http2-client.ts; another
 * (a fake in tests, another library) takes its place here.
 */
export interface UnaryClient {
  /**
   * Calls `path` with `message`, which is compressed as the client was told. Never rejects: every failure, also of the
   * connection, is a status. `timeoutMs` 0 is without limit.
   */
  call(path: string, message: Uint8Array, timeoutMs: number): Promise<GrpcResult>
  /** Ends all calls with CANCELLED and closes the connections; no call may follow. */
  close(): void
}

export interface GrpcResult {
  readonly code: number
  /** The peer's message, or what went wrong on the way; never a header's value. */
  readonly message: string
  /** From RetryInfo in the status details; null where there is none. */
  readonly retryAfterMs: number | null
  /** The response message; empty unless the code is OK. */
  readonly response: Uint8Array
}
