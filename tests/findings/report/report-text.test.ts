import { describe, expect, it } from '@jest/globals'
import type { ReportSections } from '../../../component/finding.ts'
import type { Finding } from '../../../component/finding-source.ts'
import { buildReport } from '../../../findings/report/build-report.ts'
import { fails } from '../../../findings/report/fail-on.ts'
import type { ReportInput } from '../../../findings/report/report-schema.ts'
import { reportText } from '../../../findings/report/report-text.ts'
import { finding, INPUT } from './sample-finding.ts'

describe('a report as text', () => {
  it('reads like this', () => {
    const orphan = finding({
      id: 'b',
      rule: 'CTX-001',
      name: 'orphan_span',
      cause: 'undetermined',
      state: 'provisional',
      place: { service: 'cart', instance: null, operation: 'GetCart', edge: null },
      occurrences: 3,
      population: 1000,
      message: 'A parent is missing.',
      page: 'docs/rules/CTX-001.md',
      evidence: ['a', 'b', 'b', 'c'].map((digit) => ({
        kind: 'span',
        traceId: digit.repeat(32),
        spanId: digit.repeat(16),
        relatedSpanId: null,
        values: {},
      })),
    })
    const warning = finding({ id: 'c', level: 'warn', occurrences: 2, evidence: [] })
    const retracted = finding({ id: 'd', state: 'retracted' })
    const sections = {
      notEvaluable: () => [
        { rule: 'GO-005', service: 'cart', missing: 'go.cpu.time', switchOn: 'Switch it on.' },
        { rule: 'GO-005', service: 'web', missing: 'go.cpu.time', switchOn: 'Switch it on.' },
      ],
      limits: () => ({ evicted_traces: 7, overflowed_series: 0 }),
    }
    const input = { ...INPUT, ordering: 'sorted', rejected: 1 } as const
    expect(text([warning, orphan, finding({}), retracted], sections, input)).toBe(`\
a.otlp.jsonl.gz: 1000 traces, 11000 spans, 1 log record
  from 2026-01-01 00:00:00.000 UTC to 2026-01-01 00:00:01.000 UTC
  was not in order of arrival and has been sorted: no span counts as late
  1 message could not be read

3 findings (2 error, 1 warn)

error  CTX-002 context_lost_between_services  frontend → search (grpc) /search.Search/Nearby  caller_does_not_inject  1000 of 1000 (100 %)
       search starts new traces.
       such as trace 11111111111111111111111111111111 and go.config.gogc of i-1 at 2026-01-01 00:00:00.000 UTC; see docs/rules/CTX-002.md

error  CTX-001 orphan_span                    cart GetCart                                    undetermined            3 of 1000 (< 1 %), provisional
       A parent is missing.
       such as trace aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa and trace bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb; see docs/rules/CTX-001.md

warn   CTX-002 context_lost_between_services  frontend → search (grpc) /search.Search/Nearby  caller_does_not_inject  2 of 1000 (< 1 %)
       search starts new traces.
       see docs/rules/CTX-002.md

1 finding taken back after late spans

Not looked at, because the data does not hold it:
  GO-005 needs go.cpu.time. Switch it on. (cart, web)

Limits reached: evicted traces 7
`)
  })

  it('says so when nothing was found, and when there was nothing to read', () => {
    const empty = { ...INPUT, traces: 0, spans: 0, log_records: 0, first_unix_nano: null, last_unix_nano: null }
    expect(text([], {}, empty)).toBe('a.otlp.jsonl.gz: nothing to read\n\nNothing found.\n')
  })
})

describe('failing a build', () => {
  it.each<[Partial<Finding>, Record<'error' | 'warn' | 'info' | 'never', boolean>]>([
    [{ level: 'error' }, { error: true, warn: true, info: true, never: false }],
    [{ level: 'warn' }, { error: false, warn: true, info: true, never: false }],
    [{ level: 'info' }, { error: false, warn: false, info: true, never: false }],
    [{ state: 'resolved' }, { error: true, warn: true, info: true, never: false }],
    [{ state: 'provisional' }, { error: false, warn: false, info: false, never: false }],
    [{ state: 'retracted' }, { error: false, warn: false, info: false, never: false }],
    [{ state: 'superseded' }, { error: false, warn: false, info: false, never: false }],
  ])('for %j: %j', (changes, expected) => {
    const report = buildReport([INPUT], { findings: () => [finding(changes)], sections: () => [] })
    for (const failOn of ['error', 'warn', 'info', 'never'] as const)
      expect(fails(report, failOn)).toBe(expected[failOn])
  })
})

function text(findings: readonly Finding[], sections: ReportSections, input: ReportInput): string {
  return reportText(buildReport([input], { findings: () => findings, sections: () => [sections] }))
}
