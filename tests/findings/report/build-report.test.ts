import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import type { ReportSections } from '../../../component/finding.ts'
import type { Finding } from '../../../component/finding-source.ts'
import { buildReport } from '../../../findings/report/build-report.ts'
import { reportJsonSchema, reportSchema } from '../../../findings/report/report-schema.ts'
import { finding, INPUT } from './sample-finding.ts'

describe('a report', () => {
  it('has the form of its schema', () => {
    const report = reportOf([
      finding({}),
      finding({ id: 'b', place: { service: 'a', instance: 'i', operation: null, edge: null } }),
    ])
    expect(reportSchema.parse(report)).toEqual(report)
  })

  it('names everything as the contract does', () => {
    expect(reportOf([finding({})]).findings[0]).toEqual({
      id: 'aa00000000000001',
      rule: 'CTX-002',
      name: 'context_lost_between_services',
      level: 'error',
      cause: 'caller_does_not_inject',
      confidence: 0.99,
      cause_confidence: 0.95,
      state: 'confirmed',
      superseded_by: null,
      service: 'search',
      instance: null,
      operation: '/search.Search/Nearby',
      edge: { from: 'frontend', to: 'search', boundary: 'grpc' },
      occurrences: 1000,
      population: 1000,
      first_unix_nano: '1767225600000000001',
      last_unix_nano: '1767225601000000002',
      message: 'search starts new traces.',
      page: 'docs/rules/CTX-002.md',
      related: [],
      values: { connected_share: 0, seen: 1 },
      evidence: [
        { trace_id: '1'.repeat(32), span_id: '2'.repeat(16), related_span_id: null, values: {} },
        {
          time_unix_nano: '1767225600000000003',
          metric: 'go.config.gogc',
          instance: 'i-1',
          values: { value: 'Infinity' },
        },
      ],
    })
  })

  it('is sorted by content, whoever spoke first', () => {
    const row = { boundary: 'grpc', calls: 1, connected: 1 } as const
    const edges = [
      { from: 'b', to: 'a', ...row },
      { from: 'a', to: 'c', ...row },
      { from: 'a', to: 'b', ...row },
    ]
    const report = reportOf([finding({ id: 'b' }), finding({ id: 'a' })], [{ edges: () => edges }])
    expect(report.findings.map(({ id }) => id)).toEqual(['a', 'b'])
    expect(report.edges.map(({ from, to }) => from + to)).toEqual(['ab', 'ac', 'ba'])
  })

  it('joins what several detectors know of one process, and how often limits were reached', () => {
    const report = reportOf(
      [],
      [
        { resources: () => [{ service: 'a', instance: 'i', values: { z: 1 } }], limits: () => ({ evicted_traces: 1 }) },
        {
          resources: () => [{ service: 'a', instance: 'i', values: { b: 2 } }],
          limits: () => ({ evicted_traces: 2, other: 0 }),
        },
        { notEvaluable: () => [{ rule: 'GO-005', service: 'a', missing: 'go.cpu.time', switchOn: 'Switch it on.' }] },
      ],
    )
    expect(report.resources).toEqual([{ service: 'a', instance: 'i', values: { b: 2, z: 1 } }])
    expect(report.limits).toEqual({ evicted_traces: 3, other: 0 })
    expect(report.not_evaluable).toEqual([
      { rule: 'GO-005', service: 'a', missing: 'go.cpu.time', switch_on: 'Switch it on.' },
    ])
    expect(reportSchema.parse(report)).toEqual(report)
  })

  it('has clocks and latencies in snake_case', () => {
    const sections: ReportSections = {
      clocks: () => [
        {
          domain: '10.0.1.61',
          members: ['10.0.1.61'],
          reference: '10.0.2.221',
          offsetNano: -2_970_000,
          uncertaintyNano: 40_000,
          boundsNano: [-5_000_000, -600_000],
          fromUnixNano: 1n,
          untilUnixNano: 2n,
        },
      ],
      latency: () => [
        {
          service: 'a',
          operation: 'o',
          kind: 'server',
          count: 2,
          reportedSeconds: { p50: 1, p90: 2, p99: 3 },
          effectiveSeconds: { p50: 2, p90: 3, p99: 4 },
        },
      ],
    }
    const report = reportOf([], [sections])
    expect(report.clocks[0]).toMatchObject({
      offset_nano: -2_970_000,
      bounds_nano: [-5_000_000, -600_000],
      from_unix_nano: '1',
    })
    expect(report.latency[0]).toMatchObject({ reported_seconds: { p99: 3 }, effective_seconds: { p50: 2 } })
    expect(reportSchema.parse(report)).toEqual(report)
  })
})

describe('docs/report.schema.json', () => {
  it('is what the schema says; if not, run `npm run docs`', () => {
    const published = JSON.parse(readFileSync(join(import.meta.dirname, '../../../docs/report.schema.json'), 'utf8'))
    expect(published).toEqual(JSON.parse(JSON.stringify(reportJsonSchema())))
  })
})

function reportOf(findings: readonly Finding[], sections: readonly ReportSections[] = []) {
  return buildReport([INPUT], { findings: () => findings, sections: () => sections })
}
