import { hexOf } from '../../../otlp/hex.ts'
import type { DroppedOperation } from './dropped-operation.ts'
import type { SampleGroup } from './dropped-summary.ts'
import { ID_WORDS, type SampleColumns } from './instance-samples.ts'
import { type Served, ServingTimes } from './serving-times.ts'

/** How long a request's trace may take to get here after a root that it contains. */
const WAIT_MS = 12_000
/** How long a request is held for roots that began in it. */
const HOLD_MS = 40_000
/** The time around a root over which its chance to be inside of a request is measured, to each side. */
const AROUND_MS = 5000
/** Operations for which, in one look, the requests that lack their step are told from the others. */
const MAX_LACKED = 50

/** A root, a request that was served, or a step that kept its context, until the other side has had time to come. */
interface Held extends Served {
  readonly group: SampleGroup
  readonly columns: SampleColumns
  readonly place: number
  readonly sinceMs: number
}

/** The roots of one service instance, and the requests that it served. */
export class HeldInstance {
  #roots: Held[] = []
  #served: Held[] = []
  /** Spans that kept their context, of operations that have roots. */
  #kept: Held[] = []
  /** Seconds before this one have been counted, and these roots of the second after it have not. */
  #countedUntilMs = Number.NEGATIVE_INFINITY
  #uncounted: Held[] = []

  get held(): number {
    return this.#roots.length + this.#served.length + this.#kept.length
  }

  add(group: SampleGroup, columns: SampleColumns, place: number, sinceMs: number): void {
    const held = {
      operation: group.name,
      startMs: columns.startMs[place]!,
      endMs: columns.endMs[place]!,
      group,
      columns,
      place,
      sinceMs,
    }
    if (group.what === 'served') this.#served.push(held)
    else if (group.what === 'kept') this.#kept.push(held)
    else this.#roots.push(held)
  }

  /**
   * Tells each operation of its roots that have waited long enough, and lets go what is not needed any more. What began
   * before `comparableFromMs` has no requests to be compared with.
   */
  look(
    nowMs: number,
    comparableFromMs: (service: string) => number,
    operationOf: (root: Held) => DroppedOperation | null,
  ): void {
    const ready = this.#roots.filter(({ sinceMs }) => sinceMs + WAIT_MS <= nowMs)
    if (ready.length > 0) {
      this.#roots = this.#roots.filter(({ sinceMs }) => sinceMs + WAIT_MS > nowMs)
      ready.sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs)
      const times = new ServingTimes(this.#served)
      const lacking = this.#lacking(times, new Set(ready.map(({ operation }) => operation)))
      const knownFromMs = Math.min(ready[0]!.startMs, times.served[0]?.startMs ?? Number.POSITIVE_INFINITY)
      for (const root of ready) {
        const operation = operationOf(root)
        if (!operation) continue
        if (root.startMs < comparableFromMs(root.group.service)) tellEarly(operation, root)
        else tell(operation, root, { all: times, lacking: lacking.get(root.operation) ?? times, knownFromMs })
      }
      const comparable = ready.filter(
        ({ startMs, group }) => group.what === 'root' && startMs >= comparableFromMs(group.service),
      )
      if (comparable.length > 0) this.#countSeconds([...this.#uncounted, ...comparable], operationOf)
    }
    this.#served = this.#served.filter(({ sinceMs }) => sinceMs + HOLD_MS > nowMs)
    this.#kept = this.#kept.filter(({ sinceMs }) => sinceMs + HOLD_MS > nowMs)
  }

  /** By operation of which some steps kept their context, the requests that began none of them before they were over. */
  #lacking(times: ServingTimes<Held>, operations: ReadonlySet<string>): Map<string, ServingTimes<Held>> {
    const keptFromMs = new Map<string, Map<number, number>>()
    for (const kept of this.#kept) {
      if (!operations.has(kept.operation)) continue
      let traces = keptFromMs.get(kept.operation)
      if (!traces) {
        if (keptFromMs.size >= MAX_LACKED) continue
        traces = new Map()
        keptFromMs.set(kept.operation, traces)
      }
      const trace = traceKey(kept)
      traces.set(trace, Math.min(kept.startMs, traces.get(trace) ?? kept.startMs))
    }
    const lacking = new Map<string, ServingTimes<Held>>()
    for (const [operation, traces] of keptFromMs) {
      const has = (request: Held) => (traces.get(traceKey(request)) ?? Number.POSITIVE_INFINITY) <= request.endMs
      lacking.set(operation, new ServingTimes(times.served.filter((request) => !has(request))))
    }
    return lacking
  }

  /** Counts roots and requests by operation in each second that is over. */
  #countSeconds(roots: readonly Held[], operationOf: (root: Held) => DroppedOperation | null): void {
    const fromMs = Math.max(this.#countedUntilMs, floorSecond(roots[0]!.startMs))
    const untilMs = floorSecond(roots.at(-1)!.startMs)
    this.#uncounted = roots.filter(({ startMs }) => startMs >= untilMs)
    if (untilMs <= fromMs) return
    this.#countedUntilMs = untilMs
    const counted = countBySecond(roots, fromMs, untilMs)
    const served = countBySecond(this.#served, fromMs, untilMs)
    for (const [name, rootSeconds] of counted) {
      const operation = operationOf(roots.find((root) => root.operation === name)!)
      for (const [requests, servedSeconds] of served)
        for (const second of new Set([...rootSeconds.keys(), ...servedSeconds.keys()]))
          operation?.addSecond(requests, rootSeconds.get(second) ?? 0, servedSeconds.get(second) ?? 0)
    }
  }
}

/** The requests that a root is compared with, and since when they are known. */
interface Comparison {
  readonly all: ServingTimes<Held>
  readonly lacking: ServingTimes<Held>
  readonly knownFromMs: number
}

function tell(operation: DroppedOperation, root: Held, { all, lacking, knownFromMs }: Comparison): void {
  const { startMs, endMs } = root
  const { what } = root.group
  const isBelated = what === 'belated' || what === 'detached'
  // Work may go on after its request; a step of another request lies within that one.
  const requestIn = (times: ServingTimes<Held>) => {
    const request = times.covers(startMs) ? times.requestAt(startMs, endMs) : null
    return isBelated && !request?.holdsEnd ? null : request
  }
  const seenIn = (times: ServingTimes<Held>, request: object | null) => ({
    isInside: request !== null,
    chance: times.coverage(Math.max(knownFromMs, startMs - AROUND_MS), startMs + AROUND_MS),
  })
  const at = requestIn(all)
  // It came late, but may belong where it says.
  if (what === 'detached' && all.isWithinAny(startMs, endMs, (served) => isSameTrace(served, root))) return
  operation.sampled()
  operation.add(root.group.kind, startMs, seenIn(all, at), seenIn(lacking, requestIn(lacking)), at?.holdsEnd === true)
  if (!at) return
  operation.beat(root.group.instance, startMs, at.request.startMs)
  const unixNano = unixNanoOf(startMs)
  if (operation.evidence.wants(unixNano))
    operation.evidence.add(unixNano, {
      kind: 'span',
      ...idsOf(root),
      relatedSpanId: isBelated
        ? hexOf(root.columns.ids, root.place * ID_WORDS + 6, 2)
        : hexOf(at.request.columns.ids, at.request.place * ID_WORDS + 4, 2),
      values: { request_trace_id: hexOf(at.request.columns.ids, at.request.place * ID_WORDS, 4) },
    })
}

/** What is proven of the later ones is true of these: they are evidence from then on. */
function tellEarly(operation: DroppedOperation, root: Held): void {
  const unixNano = unixNanoOf(root.startMs)
  if (operation.earlyEvidence.wants(unixNano))
    operation.earlyEvidence.add(unixNano, { kind: 'span', ...idsOf(root), relatedSpanId: null, values: {} })
}

/** The low bits of the trace id: of the traces of half a minute no two have the same. */
function traceKey({ columns, place }: Held): number {
  const at = place * ID_WORDS
  return (columns.ids[at + 2]! & 0x1fffff) * 4294967296 + columns.ids[at + 3]!
}

function isSameTrace(a: Held, b: Held): boolean {
  for (let word = 0; word < 4; word++)
    if (a.columns.ids[a.place * ID_WORDS + word] !== b.columns.ids[b.place * ID_WORDS + word]) return false
  return true
}

function idsOf({ columns, place }: Held): { traceId: string; spanId: string } {
  return { traceId: hexOf(columns.ids, place * ID_WORDS, 4), spanId: hexOf(columns.ids, place * ID_WORDS + 4, 2) }
}

function unixNanoOf(ms: number): bigint {
  return BigInt(Math.round(ms * 1000)) * 1000n
}

function countBySecond(list: readonly Held[], fromMs: number, untilMs: number): Map<string, Map<number, number>> {
  const counts = new Map<string, Map<number, number>>()
  for (const { operation, startMs } of list) {
    if (startMs < fromMs || startMs >= untilMs) continue
    let seconds = counts.get(operation)
    if (!seconds) {
      seconds = new Map()
      counts.set(operation, seconds)
    }
    const second = floorSecond(startMs)
    seconds.set(second, (seconds.get(second) ?? 0) + 1)
  }
  return counts
}

function floorSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000
}
