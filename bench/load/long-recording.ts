import { mix } from './fresh-ids.ts'

/** Between one stretch and the next. */
const PAUSE_NANO = 1_000_000_000n
/** Between copies of the same stretch. */
const STAGGER_NANO = 1_000_003n

/**
 * A short recording made long and busy. Copies of it lie over one another until there are so many spans a second, as if
 * as many users more were at work, and such stretches follow one another. Each copy has trace and span ids of its own, so
 * that a replay meets nothing twice.
 */
export class LongRecording {
  readonly #lines: readonly string[]
  readonly #periodNano: bigint
  readonly #overlaid: number

  constructor(lines: readonly string[], spansPerSecond: number) {
    this.#lines = lines
    let first = 2n ** 64n
    let last = 0n
    let spans = 0
    for (const [name, nano] of lines.join('\n').matchAll(TIMES)) {
      const time = BigInt(nano!)
      if (time < first) first = time
      if (time > last) last = time
      if (name.startsWith(SPAN_END)) spans++
    }
    this.#periodNano = last - first + PAUSE_NANO
    this.#overlaid = Math.max(1, Math.round((spansPerSecond * Number(this.#periodNano)) / 1e9 / spans))
  }

  /** Its lines without end, each with its line end. */
  *lines(): Generator<string> {
    for (let stretch = 0; ; stretch++) for (const line of this.#lines) yield this.#copies(line, stretch)
  }

  /** A line in all copies that lie over one another. */
  #copies(line: string, stretch: number): string {
    let lines = ''
    for (let copy = 0; copy < this.#overlaid; copy++) {
      const shift = BigInt(stretch) * this.#periodNano + BigInt(copy) * STAGGER_NANO
      const key = mix(stretch * this.#overlaid + copy)
      lines += line
        .replace(TIMES, (match, nano: string) => match.replace(nano, String(BigInt(nano) + shift)))
        .replace(IDS, (match, id: string) => match.replace(id, withOtherTail(id, key)))
      lines += '\n'
    }
    return lines
  }
}

const SPAN_END = 'endT'
/** Nanoseconds since 1970 have 19 digits in our days. */
const TIMES = /\w*imeUnixNano"\s*:\s*"?(\d{19})\b/g
const IDS = /"(?:traceId|spanId|parentSpanId)"\s*:\s*"([0-9a-fA-F]{16,32})"/g

function withOtherTail(id: string, key: number): string {
  const tail = (Number.parseInt(id.slice(-8), 16) ^ key) >>> 0
  return id.slice(0, -8) + tail.toString(16).padStart(8, '0')
}
