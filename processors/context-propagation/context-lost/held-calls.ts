import type { CallSample } from './call-samples.ts'
import type { CallId } from './context-lost-summary.ts'
import type { Loss } from './lost-operation.ts'

/** How long a call waits for its answer, or an answer for its call. */
export const FORGET_AFTER_MS = 60_000
/** Lists are gone over when more than half of them is done, and that is more than so many. */
const CLEAN_FROM = 16

/** A sample that waits for the other side of its call. */
export interface Waiting {
  readonly sample: CallSample
  readonly sinceMs: number
}

export interface Held extends Waiting {
  /** It has its other side, or has waited long enough. */
  done: boolean
  /** Of a message for several services, those that have taken it. */
  takenBy?: Set<string>
  /** What was counted when a root was taken for its answer. */
  loss?: Loss
}

/** The calls of one exit in order of their start; those that are done among them until there are too many. */
interface ExitCalls {
  calls: Held[]
  done: number
}

const NO_CALLS: readonly Held[] = []

/**
 * Calls without an answer in their piece of a trace, by exit in order of their start. The answer may be in another piece,
 * before or after: it names the call by its ids, which then waits no more. What a call costs is paid when it comes and
 * when it is done, not while it waits.
 */
export class HeldCalls {
  readonly #byExit = new Map<string, ExitCalls>()
  readonly #bySpan = new Map<string, Held>()
  /** In the order in which they came; those before `#oldest` are done. */
  #inOrder: Held[] = []
  #oldest = 0
  /** By the span id of a call that has not come. */
  readonly #answers = new Map<string, { readonly traceId: string; readonly sinceMs: number }>()

  add(sample: CallSample, nowMs: number): void {
    if (this.#answers.get(sample.spanId)?.traceId === sample.traceId) return
    const held = { sample, sinceMs: nowMs, done: false }
    const exit = this.#byExit.get(sample.key)
    if (exit) insertByStart(exit.calls, held)
    else this.#byExit.set(sample.key, { calls: [held], done: 0 })
    this.#bySpan.set(sample.spanId, held)
    this.#inOrder.push(held)
  }

  /** Returns what was lost by that call, where a root had been taken for its answer. */
  answer({ traceId, spanId }: CallId, nowMs: number): Loss | null {
    const held = this.#bySpan.get(spanId)
    if (held?.sample.traceId !== traceId) {
      this.#answers.set(spanId, { traceId, sinceMs: nowMs })
      return null
    }
    this.#finish(held)
    this.#bySpan.delete(spanId)
    return held.loss ?? null
  }

  /** A root has been taken for its answer: it waits no more, but its own may yet come. */
  lose(held: Held, loss: Loss): void {
    held.loss = loss
    this.#finish(held)
  }

  #finish(held: Held): void {
    if (held.done) return
    held.done = true
    const { key } = held.sample
    const exit = this.#byExit.get(key)!
    exit.done++
    if (exit.done === exit.calls.length) this.#byExit.delete(key)
    else if (exit.done > CLEAN_FROM && exit.done * 2 > exit.calls.length) {
      exit.calls = exit.calls.filter(({ done }) => !done)
      exit.done = 0
    }
  }

  /** Those of an exit in order of their start, done ones among them. */
  of(exitKey: string): readonly Held[] {
    return this.#byExit.get(exitKey)?.calls ?? NO_CALLS
  }

  forget(nowMs: number): void {
    const untilMs = nowMs - FORGET_AFTER_MS
    const inOrder = this.#inOrder
    for (; this.#oldest < inOrder.length && inOrder[this.#oldest]!.sinceMs <= untilMs; this.#oldest++)
      this.#forget(inOrder[this.#oldest]!)
    if (this.#oldest * 2 > inOrder.length) {
      this.#inOrder = inOrder.slice(this.#oldest)
      this.#oldest = 0
    }
    for (const [spanId, { sinceMs }] of this.#answers) {
      if (sinceMs > untilMs) break
      this.#answers.delete(spanId)
    }
  }

  #forget(held: Held): void {
    this.#finish(held)
    if (this.#bySpan.get(held.sample.spanId) === held) this.#bySpan.delete(held.sample.spanId)
  }
}

/** Samples come nearly in order, so the place is near the end. */
function insertByStart(list: Held[], held: Held): void {
  let i = list.length
  while (i > 0 && isBefore(held.sample, list[i - 1]!.sample)) i--
  if (i === list.length) list.push(held)
  else list.splice(i, 0, held)
}

function isBefore(a: CallSample, b: CallSample): boolean {
  return a.startMs < b.startMs || (a.startMs === b.startMs && a.spanId < b.spanId)
}

/** Those of a list that wait, from the last that starts at or before `startMs` backwards, `limit` of them at most. */
export function* waitingBefore(list: readonly Held[], startMs: number, limit: number): Generator<Held> {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (list[middle]!.sample.startMs <= startMs) low = middle + 1
    else high = middle
  }
  for (let i = low - 1; i >= 0 && limit > 0; i--) {
    if (list[i]!.done) continue
    limit--
    yield list[i]!
  }
}
