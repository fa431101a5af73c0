import { EarliestEvidence } from '../../component/evidence.ts'
import type { FindingReport, FindingValue, Level } from '../../component/finding.ts'
import type { GaugePoint } from '../../findings/metrics/gauge.ts'
import type { GoProcess, Sample } from './go-process.ts'
import type { ProcessWatch, RuntimeRule } from './runtime-rule.ts'

const RULE = 'GO-001'
const ENABLED = 'blindspot.go.gc.enabled'

/**
 * GO-001 gc_disabled: GOGC=off. Without a memory limit the heap only grows (error); with one it is a documented setup
 * (info). The limit shows in the heap goal, which is then just below it; without a goal, in the limit itself, which
 * OpenTelemetry leaves out when none is set.
 */
export const gcDisabled: RuntimeRule = {
  rule: RULE,
  missing: 'go.config.gogc',
  switchOn:
    'Start the runtime instrumentation in the service (runtime.Start() of go.opentelemetry.io/contrib/instrumentation/runtime), or send the Go metrics of its Prometheus endpoint here.',
  metrics: [
    {
      name: ENABLED,
      unit: '1',
      description: '0 where the garbage collector never starts by itself: GOGC=off without a memory limit.',
    },
  ],
  watch: (process, evidenceLimit) => new GcDisabledWatch(process, evidenceLimit),
}

/**
 * A percentage says it itself; from an infinite goal it follows. Where no limit was seen, the limit may be in another
 * request of the same export, so that the first point without one proves nothing.
 */
const CONFIDENCE = { told: 0.99, byGoalOnly: 0.95, limitNotSeen: 0.9, limitNotSeenOnce: 0.5 } as const
const DECIDE_WITHOUT_LIMIT_FROM = 2

interface Setting {
  readonly isOff: boolean
  /** Null where neither a goal nor a limit was seen. */
  readonly hasLimit: boolean | null
  /** The sample that says whether it is off. */
  readonly sample: Sample
}

class GcDisabledWatch implements ProcessWatch {
  readonly #process: GoProcess
  readonly #evidence: EarliestEvidence
  #judgedMs = 0
  #occurrences = 0
  #population = 0
  #firstUnixNano = 0n

  constructor(process: GoProcess, evidenceLimit: number) {
    this.#process = process
    this.#evidence = new EarliestEvidence(evidenceLimit)
  }

  isEvaluable(nowMs: number): boolean {
    return this.#setting(nowMs) !== null
  }

  derived(nowMs: number): ReadonlyMap<string, GaugePoint> {
    const setting = this.#setting(nowMs)
    if (setting === null) return new Map()
    const { isOff, hasLimit, sample } = setting
    const trigger = isOff ? (hasLimit ? 'memory_limit' : 'off') : null
    const attributes = {
      'blindspot.signal.source': sample.source,
      ...(trigger !== null && { 'blindspot.go.gc.trigger': trigger }),
    }
    return new Map([[ENABLED, { value: trigger === 'off' ? 0 : 1, attributes }]])
  }

  judge(nowMs: number): FindingReport | null {
    const setting = this.#setting(nowMs)
    if (setting === null || setting.sample.timeMs <= this.#judgedMs) return null
    this.#judgedMs = setting.sample.timeMs
    this.#population++
    if (!setting.isOff) return null
    const { timeUnixNano, metric } = setting.sample
    if (this.#occurrences++ === 0) this.#firstUnixNano = timeUnixNano
    const values = this.#values(setting, nowMs)
    if (this.#evidence.wants(timeUnixNano))
      this.#evidence.add(timeUnixNano, {
        kind: 'metric',
        timeUnixNano,
        metric,
        instance: this.#process.instance,
        values,
      })
    return this.#report(setting, values)
  }

  #setting(nowMs: number): Setting | null {
    const gogc = this.#process.sample('gogc', nowMs)
    const goal = this.#process.sample('heap_goal', nowMs)
    const limit = goal ?? this.#process.sample('memory_limit', nowMs)
    const sample = gogc ?? goal
    if (sample === null) return null
    // Without the percentage only an infinite goal tells: with a percentage or a limit it would be finite.
    const isOff = sample.value === Number.POSITIVE_INFINITY
    if (gogc === null && !isOff) return null
    return { isOff, hasLimit: limit === null ? null : Number.isFinite(limit.value), sample }
  }

  #values({ sample }: Setting, nowMs: number): Record<string, FindingValue> {
    const limit = this.#process.sample('memory_limit', nowMs)
    const goal = this.#process.sample('heap_goal', nowMs)
    return {
      signal_source: sample.source,
      ...(limit !== null && Number.isFinite(limit.value) && { memory_limit_bytes: limit.value }),
      ...(goal !== null && Number.isFinite(goal.value) && { heap_goal_bytes: goal.value }),
    }
  }

  #confidence({ hasLimit, sample }: Setting): number {
    if (sample.signal === 'heap_goal') return CONFIDENCE.byGoalOnly
    if (hasLimit !== null) return CONFIDENCE.told
    return this.#occurrences < DECIDE_WITHOUT_LIMIT_FROM ? CONFIDENCE.limitNotSeenOnce : CONFIDENCE.limitNotSeen
  }

  #report(setting: Setting, values: Record<string, FindingValue>): FindingReport {
    const { service, instance } = this.#process
    const hasLimit = setting.hasLimit === true
    const level: Level = hasLimit ? 'info' : 'error'
    return {
      rule: RULE,
      cause: 'gogc_off',
      place: { service, instance, operation: null, edge: null },
      level,
      confidence: this.#confidence(setting),
      causeConfidence: 0.99,
      state: 'confirmed',
      occurrences: this.#occurrences,
      population: this.#population,
      firstUnixNano: this.#firstUnixNano,
      lastUnixNano: setting.sample.timeUnixNano,
      message: messageOf(service, instance, hasLimit),
      values,
      evidence: this.#evidence.list,
      supersedesCause: null,
      related: [],
    }
  }
}

function messageOf(service: string, instance: string, hasLimit: boolean): string {
  const whose = `The garbage collector of ${service}${instance === '' ? '' : ` (${instance})`} is switched off (GOGC=off)`
  return hasLimit
    ? `${whose} and runs only when memory nears its limit: fine where that is meant.`
    : `${whose} and no memory limit is set: the heap only grows until the process is killed.`
}
