import type { Attributes } from '@opentelemetry/api'
import type { AttributeValue, ResourceRef } from '../../otlp/resource.ts'
import type { GoSignal, SignalSource } from './go-signals.ts'
import type { ProcessWatch, RuntimeRule } from './runtime-rule.ts'

/** The last value of a signal. */
export interface Sample {
  readonly signal: GoSignal
  readonly value: number
  readonly timeMs: number
  readonly timeUnixNano: bigint
  readonly arrivedMs: number
  /** The name under which it was sent. */
  readonly metric: string
  readonly source: SignalSource
}

/** A change of one of these under the same instance id is a restart: what was known is of another process. */
const INCARNATION = ['process.pid', 'k8s.pod.uid', 'container.id'] as const

/** What identifies a process for whoever looks at its metrics. */
const IDENTIFYING = /^service\.|^(host\.name|k8s\.pod\.uid|k8s\.container\.name)$/

/** One Go process as its metrics show it: the last sample of each signal, and what the rules keep of it. */
export class GoProcess {
  readonly service: string
  readonly instance: string
  readonly watches: readonly ProcessWatch[]
  lastSeenMs = 0
  #resource: ResourceRef
  readonly #staleAfterMs: number
  readonly #samples = new Map<GoSignal, Sample>()

  constructor(resource: ResourceRef, rules: readonly RuntimeRule[], staleAfterMs: number, evidenceLimit: number) {
    this.service = resource.serviceName
    this.instance = resource.instance
    this.#resource = resource
    this.#staleAfterMs = staleAfterMs
    this.watches = rules.map((rule) => rule.watch(this, evidenceLimit))
  }

  /** Attributes for its own metrics. */
  get identity(): Attributes {
    const identity: Record<string, string | number | boolean> = {}
    for (const [key, value] of this.#resource.attributes) if (IDENTIFYING.test(key)) identity[key] = plain(value)
    return identity
  }

  /** The resource under which it shows now. */
  show(resource: ResourceRef, nowMs: number): void {
    this.lastSeenMs = nowMs
    if (resource === this.#resource) return
    const isRestart = INCARNATION.some((key) => {
      const [before, now] = [this.#resource.attributes.get(key), resource.attributes.get(key)]
      return before !== undefined && now !== undefined && before !== now
    })
    if (isRestart) this.#samples.clear()
    this.#resource = resource
  }

  /** Repeated and older values change nothing. */
  take(sample: Sample): void {
    const last = this.#samples.get(sample.signal)
    if (last === undefined || sample.timeMs > last.timeMs) this.#samples.set(sample.signal, sample)
  }

  /** The sender says that the series has ended. */
  end(signal: GoSignal): void {
    this.#samples.delete(signal)
  }

  /** The last sample, unless it is too old to speak of now. */
  sample(signal: GoSignal, nowMs: number): Sample | null {
    const sample = this.#samples.get(signal)
    return sample !== undefined && nowMs - sample.arrivedMs <= this.#staleAfterMs ? sample : null
  }

  isLive(nowMs: number): boolean {
    return nowMs - this.lastSeenMs <= this.#staleAfterMs
  }
}

function plain(value: AttributeValue): string | number | boolean {
  return typeof value === 'bigint' ? String(value) : value
}
