/** Why bytes are not the OTLP message that they claim to be; an expected outcome, so a value and not an exception. */
export class Malformed {
  /** Where it broke, counted from the start of the request. */
  readonly byteOffset: number
  /** The message that broke, from the request down: `ExportTraceServiceRequest.resource_spans.scope_spans`. */
  readonly path: string
  readonly problem: string

  constructor(byteOffset: number, path: string, problem: string) {
    this.byteOffset = byteOffset
    this.path = path
    this.problem = problem
  }

  /** One line for the sender. */
  get message(): string {
    return `malformed ${this.path} at byte ${this.byteOffset}: ${this.problem}`
  }
}
