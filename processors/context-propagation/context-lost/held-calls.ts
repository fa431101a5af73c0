import type { CallId, KeyedSample } from './context-lost-summary.ts'

/** How long a call waits for its answer, or an answer for its call. */
const FORGET_AFTER_MS = 60_000

/** A sample that waits for the other side of its call. */
export interface Held {
  readonly sample: KeyedSample
  readonly sinceMs: number
  used: boolean
}

/**
 * Calls without an answer in their piece of a trace, by exit in order of their start. The answer may be in another piece,
 * before or after: it names the call by its ids, which then waits no more.
 */
export class HeldCalls {
  readonly #byExit = new Map<string, Held[]>()
  readonly #bySpan = new Map<string, Held>()
  /** By the span id of a call that has not come. */
  readonly #answers = new Map<string, { readonly traceId: string; readonly sinceMs: number }>()

  add(sample: KeyedSample, nowMs: number): void {
    if (this.#answers.get(sample.spanId)?.traceId === sample.traceId) return
    const held = { sample, sinceMs: nowMs, used: false }
    const list = this.#byExit.get(sample.key)
    if (list) insertByStart(list, held)
    else this.#byExit.set(sample.key, [held])
    this.#bySpan.set(sample.spanId, held)
  }

  answer({ traceId, spanId }: CallId, nowMs: number): void {
    const held = this.#bySpan.get(spanId)
    if (held?.sample.traceId === traceId) held.used = true
    else this.#answers.set(spanId, { traceId, sinceMs: nowMs })
  }

  of(exitKey: string): readonly Held[] {
    return this.#byExit.get(exitKey) ?? []
  }

  forget(nowMs: number): void {
    const isOver = ({ sinceMs }: { readonly sinceMs: number }) => sinceMs + FORGET_AFTER_MS <= nowMs
    for (const [key, list] of this.#byExit) {
      const kept = list.filter((held) => !held.used && !isOver(held))
      if (kept.length === 0) this.#byExit.delete(key)
      else if (kept.length < list.length) this.#byExit.set(key, kept)
    }
    for (const [spanId, held] of this.#bySpan) if (held.used || isOver(held)) this.#bySpan.delete(spanId)
    // In the order in which they came.
    for (const [spanId, answer] of this.#answers) {
      if (!isOver(answer)) break
      this.#answers.delete(spanId)
    }
  }
}

/** Samples come nearly in order, so the place is near the end. */
function insertByStart(list: Held[], held: Held): void {
  let i = list.length
  while (i > 0 && isBefore(held.sample, list[i - 1]!.sample)) i--
  list.splice(i, 0, held)
}

function isBefore(a: KeyedSample, b: KeyedSample): boolean {
  return a.startMs < b.startMs || (a.startMs === b.startMs && a.spanId < b.spanId)
}

/** The last place whose sample starts at or before `startMs`, or −1. */
export function lastAtOrBefore(list: readonly Held[], startMs: number): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (list[middle]!.sample.startMs <= startMs) low = middle + 1
    else high = middle
  }
  return low - 1
}
