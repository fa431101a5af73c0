/** Why a text is not the OTLP/JSON request that it claims to be; an expected outcome, so a value and not an exception. */
export class MalformedJson {
  /** Where: `resourceSpans[0].scopeSpans[0].spans[3].traceId`; empty where the text is no JSON at all. */
  readonly path: string
  /** What is wrong and what to write instead. */
  readonly reason: string

  constructor(path: string, reason: string) {
    this.path = path
    this.reason = reason
  }

  /** One line for the sender. */
  get message(): string {
    return this.path === '' ? this.reason : `${this.path}: ${this.reason}`
  }
}
