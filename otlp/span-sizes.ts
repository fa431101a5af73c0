/** Of what lies further back less is remembered: sums are halved when so many spans have come. */
const MEMORY_SPANS = 65_536
/** Before anything has come. */
const FIRST_SPAN_BYTES = 320
/** No table takes more than its request at first, whatever came before. */
const SMALLEST_SPAN_BYTES = 96
/** A table that is too small grows, which copies it; one that is too large takes room. */
const MARGIN = 1.125
const MARGIN_SPANS = 8

/** How many spans a request is likely to hold, by the sizes of those before it. */
export class SpanSizes {
  #bytes = FIRST_SPAN_BYTES
  #spans = 1

  /** A request of so many bytes held so many spans. */
  observe(requestBytes: number, spans: number): void {
    this.#bytes += requestBytes
    this.#spans += spans
    if (this.#spans < MEMORY_SPANS) return
    this.#bytes /= 2
    this.#spans /= 2
  }

  likelySpans(requestBytes: number): number {
    const spanBytes = Math.max(SMALLEST_SPAN_BYTES, this.#bytes / this.#spans / MARGIN)
    return MARGIN_SPANS + Math.ceil(requestBytes / spanBytes)
  }
}
