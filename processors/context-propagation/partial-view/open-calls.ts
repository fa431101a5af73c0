import type { Verdicts } from '../../../component/trace-rule.ts'
import type { CallFacts } from '../call-facts.ts'
import type { CallsElsewhere } from '../orphan-span/bridged-orphan.ts'

/** Prefix of verdicts that name a call whose answers are here, although not below it. */
const ANSWERED = 'answered'
/**
 * Answers without a call, by calls without an answer, from and up to which they are the same ones. The answers come first,
 * and are known while their calls still wait; but what others ask of the callee from outside begins traces as well.
 */
const ANSWERS_FROM = 0.9
const ANSWERS_UNTIL = 3

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
  readonly #callees = new Map<string, { unanswered: number; lost: number }>()
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

  begin(): void {
    this.#callees.clear()
  }

  /** Of the calls on an edge those without an answer below them, and the answers of that callee that hang below no call. */
  compare(callee: string, unanswered: number, lost: number): void {
    const traffic = this.#callees.get(callee)
    if (traffic) traffic.unanswered += unanswered
    else this.#callees.set(callee, { unanswered, lost })
  }

  settle(calleeOf: (exit: Exit) => string | undefined): void {
    this.#answered = []
    for (const [key, exits] of this.#exits)
      if (exits.length > 0 && exits.every((exit) => this.#hasItsAnswers(calleeOf(exit)))) this.#answered.push(key)
  }

  #hasItsAnswers(callee: string | undefined): boolean {
    const traffic = this.#callees.get(callee ?? '')
    if (!traffic || traffic.unanswered === 0) return false
    const share = traffic.lost / traffic.unanswered
    return share >= ANSWERS_FROM && share <= ANSWERS_UNTIL
  }

  get verdicts(): readonly (readonly [string, string])[] {
    return this.#answered.map((key) => [key, ANSWERED])
  }
}

function callKey(service: string, name: string): string {
  return `${ANSWERED}\0${service}\0${name}`
}
