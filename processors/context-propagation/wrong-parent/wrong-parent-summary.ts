import type { OccurrenceSummary } from '../../../component/occurrence-rule.ts'

export const RULE = 'CTX-005'

export interface WrongParentSummary {
  readonly occurrences: OccurrenceSummary
  /** Spans that are below that parent as they should be. */
  readonly rightful: readonly ParentRow[]
  /** Spans that hang below a sibling and belong below that parent. */
  readonly expected: readonly ParentRow[]
}

/** Spans of an operation, and the operation of their parent in the same service. */
export interface ParentRow {
  readonly service: string
  readonly name: string
  readonly parent: string
  readonly count: number
}
