import { EarliestEvidence } from '../../component/evidence.ts'
import type { Edge, Evidence } from '../../component/finding.ts'
import type { OccurrenceRow } from './lifetime-summary.ts'

/** Rows that may still be explained; beyond it the oldest count as settled. */
const MAX_PENDING = 1000
/** Parents told apart; the rest counts without one. */
const MAX_PARENTS = 100

interface Pending {
  readonly row: OccurrenceRow
  readonly seenMs: number
}

/** Occurrences with the same parent, which a finding about that parent takes over. */
interface Part {
  count: number
  firstUnixNano: bigint
  lastUnixNano: bigint
  readonly evidence: EarliestEvidence
  pending: Pending[]
}

export interface PlaceTotal {
  readonly count: number
  readonly isSettled: boolean
  readonly firstUnixNano: bigint
  readonly lastUnixNano: bigint
  readonly evidence: readonly Evidence[]
}

/** Occurrences of one kind at one place: those that stand, and those that a clock may yet explain. */
export class StandingPlace {
  readonly kind: number
  readonly service: string
  readonly name: string
  readonly edge: Edge | null
  readonly #evidenceLimit: number
  readonly #parts = new Map<string | null, Part>()
  lastNewsMs = 0
  /** Whether something was added or settled since it was last told. */
  #isChanged = false
  #saidCount = 0
  #saidState = ''

  constructor({ kind, service, name, edge }: OccurrenceRow, evidenceLimit: number) {
    this.kind = kind
    this.service = service
    this.name = name
    this.edge = edge
    this.#evidenceLimit = evidenceLimit
  }

  get partCount(): number {
    return this.#parts.size
  }

  /** Whether there is something new since the last time that this was asked. */
  takeChange(): boolean {
    const isChanged = this.#isChanged
    this.#isChanged = false
    return isChanged
  }

  add(row: OccurrenceRow, nowMs: number): void {
    this.lastNewsMs = nowMs
    this.#isChanged = true
    const known = this.#parts.has(row.parent) || this.#parts.size < MAX_PARENTS ? row.parent : null
    let part = this.#parts.get(known)
    if (!part) {
      part = {
        count: 0,
        firstUnixNano: 0n,
        lastUnixNano: 0n,
        evidence: new EarliestEvidence(this.#evidenceLimit),
        pending: [],
      }
      this.#parts.set(known, part)
    }
    part.pending.push({ row, seenMs: nowMs })
    if (part.pending.length > MAX_PENDING) stand(part, part.pending.shift()!.row)
  }

  /** Drops what is explained, keeps for good what is due, seen before `untilMs`; returns the occurrences dropped. */
  settle(untilMs: number, isExplained: (row: OccurrenceRow, isDue: boolean) => boolean): number {
    let dropped = 0
    for (const part of this.#parts.values()) {
      if (part.pending.length === 0) continue
      const open: Pending[] = []
      for (const pending of part.pending) {
        const isDue = pending.seenMs <= untilMs
        if (isExplained(pending.row, isDue)) dropped += pending.row.count
        else if (isDue) stand(part, pending.row)
        else open.push(pending)
      }
      if (open.length < part.pending.length) this.#isChanged = true
      part.pending = open
    }
    return dropped
  }

  hasParent(key: string): boolean {
    const part = this.#parts.get(key)
    return part !== undefined && (part.count > 0 || part.pending.length > 0)
  }

  /** Everything but the parts that are outranked. */
  total(isOutranked: (parent: string | null) => boolean): PlaceTotal {
    let count = 0
    let isSettled = false
    let firstUnixNano = 0n
    let lastUnixNano = 0n
    const evidence = new EarliestEvidence(this.#evidenceLimit)
    const span = (from: bigint, until: bigint) => {
      if (firstUnixNano === 0n || from < firstUnixNano) firstUnixNano = from
      if (until > lastUnixNano) lastUnixNano = until
    }
    for (const [parent, part] of this.#parts) {
      if (isOutranked(parent)) continue
      if (part.count > 0) {
        isSettled = true
        count += part.count
        span(part.firstUnixNano, part.lastUnixNano)
        evidence.addAll(part.evidence.dated)
      }
      for (const { row } of part.pending) {
        count += row.count
        span(row.firstUnixNano, row.lastUnixNano)
        evidence.addAll(row.evidence)
      }
    }
    return { count, isSettled, firstUnixNano, lastUnixNano, evidence: evidence.list }
  }

  /** Whether this was not said yet; nothing is taken back that was never said. */
  isNews(count: number, state: string): boolean {
    const isNew = count === 0 ? this.#saidCount > 0 : count !== this.#saidCount || state !== this.#saidState
    if (!isNew) return false
    this.#saidCount = count
    this.#saidState = state
    return true
  }
}

function stand(part: Part, row: OccurrenceRow): void {
  if (part.count === 0 || row.firstUnixNano < part.firstUnixNano) part.firstUnixNano = row.firstUnixNano
  if (row.lastUnixNano > part.lastUnixNano) part.lastUnixNano = row.lastUnixNano
  part.count += row.count
  part.evidence.addAll(row.evidence)
}
