import type { OccurrenceSummary } from '../../../component/occurrence-rule.ts'

export const RULE = 'CTX-005'

export interface WrongParentSummary {
  readonly occurrences: OccurrenceSummary
  /** By `pairKey`, spans that are below that parent as they should be. */
  readonly rightful: readonly (readonly [key: string, count: number])[]
}

/** A span's operation below the operation of its parent, both in one service. */
export function pairKey(service: string, name: string, parentName: string): string {
  return JSON.stringify([service, name, parentName])
}
