import type { CollectionResult, MetricProducer } from '@opentelemetry/sdk-metrics'
import type { Clock } from '../../component/clock.ts'
import type { NotEvaluableRow } from '../../component/finding.ts'
import { collection, gauge } from '../../findings/metrics/gauge.ts'
import type { GoProcess } from './go-process.ts'
import type { RuntimeRule } from './runtime-rule.ts'

const EVALUABLE = {
  name: 'blindspot.rule.evaluable',
  unit: '1',
  description: '1 where a rule gets the signals that it needs of a service, 0 where it cannot speak about it.',
}

/** Of which services a rule can speak: those of which at least one live process sends what it needs. */
export class Evaluable implements MetricProducer {
  readonly #rules: readonly RuntimeRule[]
  readonly #processes: () => Iterable<GoProcess>
  readonly #clock: Clock

  constructor(rules: readonly RuntimeRule[], processes: () => Iterable<GoProcess>, clock: Clock) {
    this.#rules = rules
    this.#processes = processes
    this.#clock = clock
  }

  /** The services that a rule is blind to, and what to switch on. */
  missing(): readonly NotEvaluableRow[] {
    return this.#rules.flatMap(({ rule, missing, switchOn }, index) =>
      [...this.#byService(index)]
        .filter(([, isEvaluable]) => !isEvaluable)
        .map(([service]) => ({ rule, service, missing, switchOn })),
    )
  }

  async collect(): Promise<CollectionResult> {
    const points = this.#rules.flatMap(({ rule }, index) =>
      [...this.#byService(index)].map(([service, isEvaluable]) => ({
        value: isEvaluable ? 1 : 0,
        attributes: { 'blindspot.rule': rule, 'service.name': service },
      })),
    )
    return collection([gauge(EVALUABLE, points)])
  }

  #byService(rule: number): ReadonlyMap<string, boolean> {
    const nowMs = this.#clock.nowMs()
    const services = new Map<string, boolean>()
    for (const process of this.#processes()) {
      if (!process.isLive(nowMs)) continue
      const known = services.get(process.service) ?? false
      services.set(process.service, known || process.watches[rule]!.isEvaluable(nowMs))
    }
    return new Map([...services].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}
