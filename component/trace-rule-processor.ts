import type { MetricProducer } from '@opentelemetry/sdk-metrics'
import type { TracesBatch } from './batch.ts'
import type { Timer } from './clock.ts'
import type { Processor, ProcessorSettings } from './component.ts'
import type { Consumer, Outcome } from './consumer.ts'
import { Defects } from './defects.ts'
import type { ReportSections } from './finding.ts'
import type { TraceJudge, TraceObserver, TraceRule } from './trace-rule.ts'

/** What the rules of one processor share: a batch read once for all of them. */
export interface FactsReader {
  read(batch: TracesBatch): void
}

interface RunningRule<Facts> {
  readonly ids: string
  readonly observer: TraceObserver<Facts, unknown>
  readonly judge: TraceJudge<unknown>
}

/**
 * Runs trace rules over the batches that pass: each batch is read once, every rule observes it in the order of the list
 * (the first that claims a span has it), and at each interval the judges speak. Batches go on unchanged but for marks.
 * A batch without traces is not to be analysed (the gateway is overloaded) and passes untouched. A defect of a rule costs
 * findings, never spans.
 */
export class TraceRuleProcessor<Facts extends FactsReader> implements Processor<'traces'> {
  readonly #settings: ProcessorSettings<'traces'>
  readonly #next: Consumer<TracesBatch>
  readonly #facts: Facts
  readonly #rules: RunningRule<Facts>[] = []
  readonly #judgeIntervalMs: number
  readonly #sections: ReportSections
  readonly #producers: readonly MetricProducer[]
  #timer: Timer | null = null
  /** A batch that the next stage refused comes again; it must not be counted twice. */
  #observed: TracesBatch | null = null
  #takeOutOfReport: () => void = () => {}
  readonly #defects: Defects

  constructor(
    settings: ProcessorSettings<'traces'>,
    next: Consumer<TracesBatch>,
    options: {
      facts: Facts
      judgeIntervalMs: number
      sections: ReportSections
      /** Metrics of the processor; they stay after a stop, since the last collection comes later. */
      producers?: readonly MetricProducer[]
    },
  ) {
    this.#settings = settings
    this.#next = next
    this.#facts = options.facts
    this.#judgeIntervalMs = options.judgeIntervalMs
    this.#sections = options.sections
    this.#producers = options.producers ?? []
    this.#defects = new Defects(settings)
  }

  /** Adds a rule at the end of the list. Its judge may be given, where the processor asks it for more. */
  add<Summary>(rule: TraceRule<Facts, Summary>, judge: TraceJudge<Summary> = rule.createJudge()): void {
    this.#rules.push({
      ids: rule.rules.join(', '),
      observer: rule.createObserver() as TraceObserver<Facts, unknown>,
      judge: judge as TraceJudge<unknown>,
    })
  }

  async start(): Promise<void> {
    this.#takeOutOfReport = this.#settings.findings.contribute(this.#sections)
    for (const producer of this.#producers) this.#settings.findings.addMetricProducer(producer)
    this.#timer = this.#settings.clock.every(this.#judgeIntervalMs, () => this.#judge())
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#judge()
    this.#takeOutOfReport()
  }

  consume(batch: TracesBatch): Outcome | Promise<Outcome> {
    if (batch.traces !== null && batch !== this.#observed) this.#observe(batch)
    this.#observed = batch
    const outcome = this.#next.consume(batch)
    if (outcome instanceof Promise) return outcome.then((settled) => this.#settle(settled))
    return this.#settle(outcome)
  }

  #settle(outcome: Outcome): Outcome {
    if (outcome.kind !== 'refused') this.#observed = null
    return outcome
  }

  #observe(batch: TracesBatch): void {
    const nowMs = this.#settings.clock.nowMs()
    let running = 'what its rules share'
    try {
      this.#facts.read(batch)
      for (const { ids, observer } of this.#rules) {
        running = ids
        observer.observe(this.#facts, nowMs)
      }
    } catch (error) {
      this.#defects.tell(running, error)
    }
  }

  #judge(): void {
    const nowMs = this.#settings.clock.nowMs()
    for (const { ids, observer, judge } of this.#rules)
      try {
        this.#settings.findings.publish(judge.judge([observer.takeSummary(nowMs)], nowMs))
        observer.learn(judge.verdicts())
      } catch (error) {
        this.#defects.tell(ids, error)
      }
  }
}
