import type { Level } from '../../component/finding.ts'

/** One kind of occurrence: a rule with a cause, and the key of what is measured of each. */
export interface LifetimeKind {
  readonly rule: string
  readonly cause: string
  readonly level: Level
  /** When nothing can explain it any more. */
  readonly confidence: number
  /** Key of the seconds in the values of evidence. */
  readonly value: string
  /**
   * Whether a clock that was set explains it, if by as much as it exceeds this setting (or at all, `nothing`). Null
   * where no clock does.
   */
  readonly clockExplainsBeyond: 'nothing' | 'tolerance' | 'cancel_grace' | 'max_duration' | null
  /** Whether caller and callee are part of the place. */
  readonly ofEdge?: true
  /** A clock that was set between two processes looks the same until that is found out: nothing is said before. */
  readonly waitsForClocks?: true
  /**
   * Below these nothing is said. Between processes, since a scheduler under load ends a server's span now and then only
   * when its answer has already arrived.
   */
  readonly minOccurrences?: number
  readonly minShare?: number
  /** What the spans of an operation do, after "12 of 900 spans … ". */
  readonly says: string
}

/** By number, which is what observers count by; the order is the precedence. */
export const Kind = {
  endBeforeStart: 0,
  inTheFuture: 1,
  tooLong: 2,
  eventOutside: 3,
  endedBeforeAsyncWork: 4,
  endedBeforeResponse: 5,
  startsAfterParent: 6,
  outlivesParent: 7,
  cancellationIgnored: 8,
  callerGaveUp: 9,
  outlivesCaller: 10,
} as const

export const KINDS: readonly LifetimeKind[] = [
  {
    rule: 'LIFE-005',
    cause: 'end_before_start',
    level: 'error',
    confidence: 0.99,
    value: 'duration_seconds',
    clockExplainsBeyond: 'nothing',
    says: 'have impossible times: end before start',
  },
  {
    rule: 'LIFE-005',
    cause: 'in_the_future',
    level: 'error',
    confidence: 0.99,
    value: 'ahead_seconds',
    clockExplainsBeyond: null,
    says: 'have impossible times: they start in the future',
  },
  {
    rule: 'LIFE-005',
    cause: 'too_long',
    level: 'error',
    confidence: 0.95,
    value: 'duration_seconds',
    clockExplainsBeyond: 'max_duration',
    says: 'have impossible times: too long',
  },
  {
    rule: 'LIFE-005',
    cause: 'event_outside',
    level: 'error',
    confidence: 0.95,
    value: 'outside_seconds',
    clockExplainsBeyond: 'tolerance',
    says: 'have impossible times: an event lies outside of them',
  },
  {
    rule: 'LIFE-003',
    cause: 'ended_before_async_work',
    level: 'error',
    confidence: 0.95,
    value: 'missing_seconds',
    clockExplainsBeyond: null,
    says: 'end long before their work',
  },
  {
    rule: 'LIFE-003',
    cause: 'ended_before_response',
    level: 'error',
    confidence: 0.85,
    value: 'missing_seconds',
    clockExplainsBeyond: null,
    says: 'end long before their caller has its answer',
  },
  {
    rule: 'LIFE-002',
    cause: 'asynchronous_work',
    level: 'warn',
    confidence: 0.95,
    value: 'gap_seconds',
    clockExplainsBeyond: 'tolerance',
    says: 'start after the span that they are part of has ended',
  },
  {
    rule: 'LIFE-001',
    cause: 'asynchronous_work',
    level: 'warn',
    confidence: 0.95,
    value: 'overrun_seconds',
    clockExplainsBeyond: 'tolerance',
    says: 'end after the span that they are part of: work goes on when its parent has already answered',
  },
  {
    rule: 'LIFE-004',
    cause: 'cancellation_ignored',
    level: 'error',
    confidence: 0.95,
    value: 'overrun_seconds',
    clockExplainsBeyond: 'cancel_grace',
    ofEdge: true,
    says: 'worked on long after their caller had given up',
  },
  {
    rule: 'LIFE-006',
    cause: 'timeout',
    level: 'info',
    confidence: 0.9,
    value: 'overrun_seconds',
    clockExplainsBeyond: 'tolerance',
    ofEdge: true,
    waitsForClocks: true,
    says: 'were still at work when their caller had given up',
  },
  {
    rule: 'LIFE-001',
    cause: 'asynchronous_work',
    level: 'warn',
    confidence: 0.9,
    value: 'overrun_seconds',
    clockExplainsBeyond: 'tolerance',
    ofEdge: true,
    waitsForClocks: true,
    minOccurrences: 3,
    minShare: 0.01,
    says: 'end after the call that they serve: work goes on when the caller already has its answer',
  },
]
