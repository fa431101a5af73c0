import type { Counter } from '@opentelemetry/api'
import type { Settings } from './component.ts'

/** A defect that comes with each batch is one line a minute. */
const TELL_AGAIN_MS = 60_000

/** Defects of a detector's own: counted and logged, while what it looked at goes on. */
export class Defects {
  readonly #settings: Settings
  readonly #counter: Counter
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(settings: Settings) {
    this.#settings = settings
    this.#counter = settings.meter.createCounter('blindspot.analysis.defects', {
      unit: '{defect}',
      description:
        'Times that a rule met a defect of its own: what it looked at went on, not or only in part analysed.',
    })
  }

  /** `running` is what met it, such as the ids of a rule. */
  tell(running: string, error: unknown): void {
    const { clock, logger, id } = this.#settings
    this.#counter.add(1, { processor: id })
    if (clock.nowMs() - this.#toldMs < TELL_AGAIN_MS) return
    this.#toldMs = clock.nowMs()
    logger.error(`${id} met a defect of its own in ${running}; what it looked at goes on, findings may be missing`, {
      error,
    })
  }
}
