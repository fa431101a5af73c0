import type { FieldSchema, MessageSchema } from './schema.ts'

export const NONE = -1

/**
 * The fields of messages on the way to the innermost that is being read, by number: where each stands. What stands side
 * by side is one run, so that a span with its ten attributes takes one entry for them; further runs of a field are chained
 * to its first. Entries lie in one stack of numbers, each message's above those of the message around it.
 *
 *     const mark = runs.open()
 *     runs.add(…) for each field of the message
 *     … runs.first, nextField, next …
 *     runs.close(mark)
 */
export class FieldRuns {
  /** The first field of the message opened last. */
  first = NONE
  #lastField = NONE
  #lastRun = NONE
  #top = 0
  #entries = new Int32Array(128 * WORDS)

  /** Begins a message; `close` takes what this returns. */
  open(): number {
    this.first = NONE
    this.#lastField = NONE
    this.#lastRun = NONE
    return this.#top
  }

  /** Forgets the messages since `mark`. */
  close(mark: number): void {
    this.#top = mark
  }

  /** A field of the open message, from its tag to the end of its value. */
  add(schema: MessageSchema, field: FieldSchema, start: number, end: number): void {
    const last = this.#lastRun
    if (
      last !== NONE &&
      this.#entries[last + Word.number] === field.number &&
      this.#entries[last + Word.end] === start
    ) {
      this.#entries[last + Word.end] = end
      return
    }
    const known = this.#find(field.number)
    const run = this.#push(field.number, start, end)
    this.#lastRun = run
    if (known !== NONE) {
      this.#entries[this.#entries[known + Word.tail]! + Word.next] = run
      this.#entries[known + Word.tail] = run
      return
    }
    if (this.#lastField === NONE) this.first = run
    else {
      this.#entries[this.#lastField + Word.nextField] = run
      if (field.rivals.length > 0) this.#overrule(schema, field.rivals, run)
    }
    this.#lastField = run
  }

  number(run: number): number {
    return this.#entries[run + Word.number]!
  }

  start(run: number): number {
    return this.#entries[run + Word.start]!
  }

  end(run: number): number {
    return this.#entries[run + Word.end]!
  }

  /** The next run of the same field. */
  next(run: number): number {
    return this.#entries[run + Word.next]!
  }

  /** The first run of the next field. */
  nextField(run: number): number {
    return this.#entries[run + Word.nextField]!
  }

  /** Whether another member of its oneof came after this one. */
  isOverruled(run: number): boolean {
    return this.#entries[run + Word.overruled] === 1
  }

  #find(number: number): number {
    for (let run = this.first; run !== NONE; run = this.#entries[run + Word.nextField]!)
      if (this.#entries[run + Word.number] === number && this.#entries[run + Word.overruled] === 0) return run
    return NONE
  }

  #overrule(schema: MessageSchema, rivals: readonly string[], by: number): void {
    for (let run = this.first; run !== by; run = this.#entries[run + Word.nextField]!) {
      const { name } = schema.byNumber[this.#entries[run + Word.number]!]!
      if (rivals.includes(name)) this.#entries[run + Word.overruled] = 1
    }
  }

  #push(number: number, start: number, end: number): number {
    const run = this.#top
    this.#top = run + WORDS
    if (this.#top > this.#entries.length) {
      const grown = new Int32Array(this.#entries.length * 2)
      grown.set(this.#entries)
      this.#entries = grown
    }
    const entries = this.#entries
    entries[run + Word.number] = number
    entries[run + Word.start] = start
    entries[run + Word.end] = end
    entries[run + Word.next] = NONE
    entries[run + Word.tail] = run
    entries[run + Word.nextField] = NONE
    entries[run + Word.overruled] = 0
    return run
  }
}

const Word = { number: 0, start: 1, end: 2, next: 3, tail: 4, nextField: 5, overruled: 6 } as const
const WORDS = 7
