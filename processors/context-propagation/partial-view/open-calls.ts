import type { Verdicts } from '../../../component/trace-rule.ts'
import type { CallFacts } from '../call-facts.ts'
import type { CallsElsewhere } from '../orphan-span/bridged-orphan.ts'
import type { ExitTraffic } from './partial-view-decision.ts'

/** Prefix of verdicts that name a call whose answers are here, although not below it. */
const ANSWERED = 'answered'
/** Share of the calls of an operation that may stay without any answer. */
const UNANSWERED = 0.05

/** Which unanswered calls stood around orphans, as the observer asks, and what the judge made of them. */
export class OpenCalls implements CallsElsewhere {
  #answered: Verdicts = new Map()
  readonly #asked = new Set<string>()
  #news: string[] = []

  /** Whether the answers of such calls are here in other traces: then nobody elsewhere was called. */
  isAnsweredElsewhere(facts: CallFacts, row: number): boolean {
    const { service, name } = facts.registry.all[facts.operations[row]!]!
    const key = callKey(service, name)
    if (this.#answered.has(key)) return true
    if (!this.#asked.has(key)) {
      this.#asked.add(key)
      this.#news.push(key)
    }
    return false
  }

  /** Those that were asked for the first time since the last call. */
  take(): readonly string[] {
    const news = this.#news
    this.#news = []
    return news
  }

  learn(verdicts: Verdicts): void {
    this.#answered = verdicts
  }
}

interface OpenExit {
  readonly service: string
  readonly name: string
}

/** The judge's half: the exits that were asked about, and whether their answers are here. */
export class OpenExits<Exit extends OpenExit> {
  readonly #limit: number
  readonly #exits = new Map<string, Exit[]>()
  #answered: string[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Whether anybody wants to know about any. */
  get areAsked(): boolean {
    return this.#exits.size > 0
  }

  ask(keys: readonly string[], known: Iterable<Exit>): void {
    const news = keys.filter((key) => !this.#exits.has(key) && this.#exits.size < this.#limit)
    for (const key of news) this.#exits.set(key, [])
    if (news.length > 0) for (const exit of known) if (news.includes(callKey(exit.service, exit.name))) this.add(exit)
  }

  add(exit: Exit): void {
    this.#exits.get(callKey(exit.service, exit.name))?.push(exit)
  }

  /** `calleeOf` tells whom an exit calls, `edges` how many of these calls have no answer anywhere. */
  settle(edges: readonly ExitTraffic[], calleeOf: (exit: Exit) => { readonly name: string } | null): void {
    this.#answered = []
    if (this.#exits.size === 0) return
    const answered = new Set<string>()
    for (const { from, to, seen, calls, unanswered } of edges)
      if (seen && unanswered <= calls * UNANSWERED) answered.add(`${from}\0${to}`)
    for (const [key, exits] of this.#exits)
      if (exits.length > 0 && exits.every((exit) => answered.has(`${exit.service}\0${calleeOf(exit)?.name}`)))
        this.#answered.push(key)
  }

  get verdicts(): readonly (readonly [string, string])[] {
    return this.#answered.map((key) => [key, ANSWERED])
  }
}

function callKey(service: string, name: string): string {
  return `${ANSWERED}\0${service}\0${name}`
}
