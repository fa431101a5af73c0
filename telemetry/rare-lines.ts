import type { LogFields, Logger } from './logger.ts'

/** A line that could come with every batch comes at most once in this time. */
const QUIET_MS = 10_000
/** Different messages that are told apart; beyond it all are told, and forgotten. */
const MAX_MESSAGES = 100

interface Told {
  readonly atMs: number
  /** How often it was not said since. */
  unsaid: number
}

/**
 * Says what may come with every batch, such as a defect that each one meets: the same message at most every ten seconds,
 * with how often it came meanwhile (`times`) where that is more than once. For lines that are no change of a state.
 */
export class RareLines {
  readonly #logger: Logger
  readonly #clock: { nowMs(): number }
  readonly #told = new Map<string, Told>()

  constructor(logger: Logger, clock: { nowMs(): number }) {
    this.#logger = logger
    this.#clock = clock
  }

  warn(message: string, fields: LogFields): void {
    const said = this.#due(message, fields)
    if (said !== null) this.#logger.warn(message, said)
  }

  error(message: string, fields: LogFields): void {
    const said = this.#due(message, fields)
    if (said !== null) this.#logger.error(message, said)
  }

  /** What to say now; null for nothing. */
  #due(message: string, fields: LogFields): LogFields | null {
    const nowMs = this.#clock.nowMs()
    const told = this.#told.get(message)
    if (told !== undefined && nowMs < told.atMs + QUIET_MS) {
      told.unsaid++
      return null
    }
    if (this.#told.size >= MAX_MESSAGES) this.#told.clear()
    this.#told.set(message, { atMs: nowMs, unsaid: 0 })
    return told === undefined || told.unsaid === 0 ? fields : { ...fields, times: told.unsaid + 1 }
  }
}
