/** A running total, and what it was some time ago. Remembers one number for each time that something was added since. */
export class CountBefore {
  readonly #afterMs: number
  /** Oldest first: when something was added that is not old enough yet, and how much. */
  #recent: { readonly atMs: number; readonly amount: number }[] = []
  #before = 0

  constructor(afterMs: number) {
    this.#afterMs = afterMs
  }

  add(amount: number, nowMs: number): void {
    if (amount > 0) this.#recent.push({ atMs: nowMs, amount })
  }

  /** What was added up to `afterMs` before that time. */
  at(nowMs: number): number {
    let old = 0
    for (; old < this.#recent.length && this.#recent[old]!.atMs + this.#afterMs <= nowMs; old++)
      this.#before += this.#recent[old]!.amount
    if (old > 0) this.#recent = this.#recent.slice(old)
    return this.#before
  }
}
