import type { Edge, FindingReport, Place } from '../../../component/finding.ts'

export const SERVICE: Place = { service: 'cart', instance: null, operation: 'Cart/GetItems', edge: null }
export const EDGE: Edge = { from: 'frontend', to: 'cart', boundary: 'grpc' }

/** An orphan finding as a detector reports it, with what the test wants different. */
export function report(overrides: Partial<FindingReport> = {}): FindingReport {
  return {
    rule: 'CTX-001',
    cause: 'undetermined',
    place: SERVICE,
    level: 'error',
    confidence: 0.9,
    causeConfidence: 1,
    state: 'provisional',
    occurrences: 3,
    population: 10,
    firstUnixNano: 1_000n,
    lastUnixNano: 2_000n,
    message: '3 of 10 spans name a parent that never arrived.',
    values: {},
    evidence: [],
    supersedesCause: null,
    related: [],
    ...overrides,
  }
}
