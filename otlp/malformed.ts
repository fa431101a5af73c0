/** Why bytes are not the OTLP message that they claim to be; an expected outcome, so a value and not an exception. */
export class Malformed {
  /** Where it broke, counted from the start of the request. */
  readonly byteOffset: number
  /** The message that broke, from the request down: `ExportTraceServiceRequest.resource_spans.scope_spans`. */
  readonly messagePath: string
  readonly reason: string

  constructor(byteOffset: number, messagePath: string, reason: string) {
    this.byteOffset = byteOffset
    this.messagePath = messagePath
    this.reason = reason
  }

  /** One line for the sender. */
  get message(): string {
    return `malformed ${this.messagePath} at byte ${this.byteOffset}: ${this.reason}`
  }
}
