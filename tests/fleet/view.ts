import type { Truth, TruthFault } from '../../examples/fleet/truth.ts'
import type { Point, Recording, Span } from './recording.ts'

/** What a signature found: how often, of how many chances, and whether that shows the fault. */
export interface Signature {
  readonly seen: number
  readonly of: number
  readonly shown: boolean
  readonly what: string
}

export type SignatureOf = (view: View, fault: TruthFault) => Signature

const SWITCHING_NANO = 300_000_000n
const MILLI = 1_000_000n

/** The part of a recording in which a fault was on, as a tree that can be asked. */
export class View {
  readonly spans: readonly Span[]
  readonly points: readonly Point[]
  /** All points of the recording, for comparisons with the time before. */
  readonly before: readonly Point[]
  readonly truth: Truth
  readonly #byId = new Map<string, Span>()
  readonly #children = new Map<string, Span[]>()

  constructor(recording: Recording, truth: Truth, fault: TruthFault) {
    this.truth = truth
    // Services are told of a fault one after the other, and requests under way are half of one kind: the edges of the
    // window prove nothing.
    const from = BigInt(fault.from_unix_nano) + SWITCHING_NANO
    const till = BigInt(fault.till_unix_nano) - SWITCHING_NANO
    for (const span of recording.spans) {
      this.#byId.set(span.traceId + span.spanId, span)
      const siblings = this.#children.get(span.traceId + span.parentId)
      if (siblings) siblings.push(span)
      else this.#children.set(span.traceId + span.parentId, [span])
    }
    this.spans = recording.spans.filter((span) => span.startNano >= from && span.startNano <= till)
    this.points = recording.points.filter((point) => point.timeNano >= from && point.timeNano <= till)
    this.before = recording.points.filter((point) => point.timeNano < from)
  }

  parent(span: Span): Span | undefined {
    return span.parentId === '' ? undefined : this.#byId.get(span.traceId + span.parentId)
  }

  children(span: Span): readonly Span[] {
    return this.#children.get(span.traceId + span.spanId) ?? []
  }

  span(traceId: string, spanId: string): Span | undefined {
    return this.#byId.get(traceId + spanId)
  }

  /** Spans of a service, by name where one is given. */
  of(service: string, name?: string | RegExp): readonly Span[] {
    return this.spans.filter(
      (span) =>
        span.service === service &&
        (name === undefined || (typeof name === 'string' ? span.name === name : name.test(span.name))),
    )
  }

  orphans(spans: readonly Span[]): readonly Span[] {
    return spans.filter((span) => span.parentId !== '' && !this.parent(span))
  }

  /** The service instance that the truth's process was. */
  instance(process: string): string {
    return this.truth.processes.find((one) => one.name === process)?.instance ?? ''
  }

  /** The values of a metric in one process while the fault was on, in order of time. */
  values(process: string, metric: string): readonly number[] {
    return this.#series(this.points, process, metric).map((point) => Number(point.value))
  }

  valuesBefore(process: string, metric: string): readonly number[] {
    return this.#series(this.before, process, metric).map((point) => Number(point.value))
  }

  series(process: string, metric: string): readonly Point[] {
    return this.#series(this.points, process, metric)
  }

  #series(points: readonly Point[], process: string, metric: string): readonly Point[] {
    const instance = this.instance(process)
    return points
      .filter((point) => point.metric === metric && point.instance === instance)
      .sort((a, b) => (a.timeNano < b.timeNano ? -1 : 1))
  }
}

export function isEntry(span: Span): boolean {
  return span.kind === 'server' || span.kind === 'consumer'
}

export function isRoot(span: Span): boolean {
  return span.parentId === ''
}

export function millis(nanos: bigint): number {
  return Number(nanos) / Number(MILLI)
}

export function durationMs(span: Span): number {
  return millis(span.endNano - span.startNano)
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Found often enough: at least a share of the chances, and more than once. */
export function share(what: string, seen: number, of: number, atLeast: number): Signature {
  return { seen, of, what, shown: seen > 1 && seen >= of * atLeast }
}
