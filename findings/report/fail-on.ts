import type { Level } from '../../component/finding.ts'
import type { Report, ReportFinding } from './report-schema.ts'

export const FAIL_ON = ['error', 'warn', 'info', 'never'] as const
export type FailOn = (typeof FAIL_ON)[number]

const RANK: Readonly<Record<Level, number>> = { info: 0, warn: 1, error: 2 }

/** Whether something was found that a build should fail for. What may still be overturned, or was, never does. */
export function fails(report: Report, failOn: FailOn): boolean {
  if (failOn === 'never') return false
  return report.findings.some((finding) => stands(finding) && RANK[finding.level] >= RANK[failOn])
}

/** Found for certain, and not taken back. */
function stands({ state }: ReportFinding): boolean {
  switch (state) {
    case 'confirmed':
    case 'resolved':
      return true
    case 'provisional':
    case 'retracted':
    case 'superseded':
      return false
  }
}
