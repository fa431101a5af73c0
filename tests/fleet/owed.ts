import type { Expectation, TruthFault } from '../../examples/fleet/truth.ts'
import { findRule } from '../../findings/catalogue/catalogue.ts'
import { UNDETERMINED } from '../../findings/catalogue/rule.ts'
import type { Finding, Report } from './replay.ts'

/**
 * Rules that the gateway does not have yet: their faults are proved on the recorded OTLP only. A rule that arrives is
 * one line less here, and from then on it owes a finding for each of its faults.
 */
export const STILL_TO_COME: readonly string[] = [
  'CONN-003',
  'GO-002',
  'GO-006',
  'GO-007',
  'GO-008',
  'GO-020',
  'GO-021',
  'GO-030',
  'GO-031',
  'GO-040',
  'LOCK-001',
  'LOCK-002',
  'LOCK-004',
  'RPC-001',
  'TLS-001',
  'TLS-002',
  'TLS-004',
]

interface Gap {
  readonly fault: string
  readonly rule: string
  readonly why: string
}

/** What a rule that exists does not find yet on real telemetry, and why. */
export const KNOWN_GAPS: readonly Gap[] = []

export function isKnownGap(fault: string, { rule }: Expectation): boolean {
  return KNOWN_GAPS.some((gap) => gap.fault === fault && gap.rule === rule)
}

export type Outcome = 'found' | 'missed' | 'still to come'

export interface Owed {
  readonly expectation: Expectation
  readonly outcome: Outcome
}

/** What must be found for a fault, and what became of it. */
export function owed(fault: TruthFault, report: Report): readonly Owed[] {
  return fault.expect.map((expectation) => ({
    expectation,
    outcome: STILL_TO_COME.includes(expectation.rule)
      ? 'still to come'
      : report.findings.some((finding) => answers(finding, expectation))
        ? 'found'
        : 'missed',
  }))
}

/** Findings of the rules that must stay silent for a look-alike; what is worth knowing only (info) is no alarm. */
export function alarms(fault: TruthFault, report: Report): readonly Finding[] {
  return report.findings.filter(
    (finding) => fault.silent?.includes(finding.rule) && isStanding(finding) && finding.level !== 'info',
  )
}

function answers(finding: Finding, expectation: Expectation): boolean {
  const { rule, cause, service, instance, operation, edge } = expectation
  return (
    finding.rule === rule &&
    isStanding(finding) &&
    (cause === undefined || acceptable(expectation).includes(finding.cause)) &&
    (service === undefined || finding.service === service) &&
    (instance === undefined || finding.instance === null || finding.instance === instance) &&
    (operation === undefined || finding.operation === null || finding.operation === operation) &&
    (edge === undefined ||
      (finding.edge?.from === edge.from && finding.edge.to === edge.to && finding.edge.boundary === edge.boundary))
  )
}

/** The true cause, those that the telemetry cannot tell from it, and none while the rule does not tell it apart yet. */
function acceptable({ rule, cause = UNDETERMINED, accept = [] }: Expectation): readonly string[] {
  const isPlanned = findRule(rule)?.causes.some((known) => known.cause === cause && known.planned)
  return [cause, ...accept, ...(isPlanned ? [UNDETERMINED] : [])]
}

function isStanding(finding: Finding): boolean {
  return finding.state !== 'retracted' && finding.state !== 'superseded'
}

export function describeExpectation({ rule, cause, service, operation, edge }: Expectation): string {
  const place = edge ? `${edge.from}→${edge.to}` : [service, operation].filter(Boolean).join(' ')
  return [rule, cause, place].filter(Boolean).join(' ')
}

export function describeFinding(finding: Finding): string {
  return `${describeExpectation({
    rule: finding.rule,
    cause: finding.cause,
    ...(finding.service !== null && { service: finding.service }),
    ...(finding.operation !== null && { operation: finding.operation }),
    ...(finding.edge !== null && { edge: finding.edge }),
  })} ${finding.occurrences}/${finding.population}`
}
