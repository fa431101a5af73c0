import type { Counter } from '@opentelemetry/api'
import { RareLines } from '../telemetry/rare-lines.ts'
import type { Settings } from './component.ts'

/** Defects of a detector's own: counted and logged, while what it looked at goes on. */
export class Defects {
  readonly #id: string
  readonly #counter: Counter
  readonly #lines: RareLines

  constructor(settings: Settings) {
    this.#id = settings.id
    this.#lines = new RareLines(settings.logger, settings.clock)
    this.#counter = settings.meter.createCounter('blindspot.analysis.defects', {
      unit: '{defect}',
      description:
        'Times that a rule met a defect of its own: what it looked at went on, not or only in part analysed.',
    })
  }

  /** `running` is what met it, such as the ids of a rule. */
  tell(running: string, error: unknown): void {
    this.#counter.add(1, { processor: this.#id })
    const message = `${this.#id} met a defect of its own in ${running}; what it looked at goes on, findings may be missing`
    this.#lines.error(message, { error })
  }
}
