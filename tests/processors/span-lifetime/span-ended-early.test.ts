import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import type { Report } from '../../../findings/report/report-schema.ts'
import { readRecording, type Span } from '../../fleet/recording.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const RECORDING = `${ROOT}examples/recordings/lifetime.otlp.pb.gz`

/**
 * The case that this project grew from: a service publishes asynchronously, and the span of the publishing ends at once.
 * Its dashboard was good by orders of magnitude, and wrong. Recorded from Go services; the truth is counted here, by
 * protobufjs, from what the producer's spans say.
 */
describe('a Go service whose span ends before its producer is done', () => {
  it('reports a p99 far below the true one; the effective p99 is within 5 %', async () => {
    const { spans } = readRecording(RECORDING)
    const published = spans.filter((span) => span.service === 'checkout' && span.name === 'order.publish')
    const truth = p99(published.map((span) => trueSeconds(span, spans)))
    const reported = p99(published.map((span) => seconds(span.startNano, span.endNano)))
    expect(reported / truth).toBeLessThan(0.26)

    const report = await replay(RECORDING)
    const row = report.latency.find(({ operation }) => operation === 'order.publish')!
    expect(row.reported_seconds.p99 / reported).toBeGreaterThan(0.95)
    expect(row.reported_seconds.p99 / reported).toBeLessThan(1.05)
    expect(row.effective_seconds.p99 / truth).toBeGreaterThan(0.95)
    expect(row.effective_seconds.p99 / truth).toBeLessThan(1.05)
    const finding = report.findings.find(({ rule }) => rule === 'LIFE-003')!
    expect(finding).toMatchObject({
      cause: 'ended_before_async_work',
      state: 'confirmed',
      service: 'checkout',
      operation: 'order.publish',
      occurrences: published.length,
      population: published.length,
    })
  })
})

/** Until the last of the work ended that the span started. */
function trueSeconds(span: Span, spans: readonly Span[]): number {
  const work = spans.filter(({ traceId, parentId }) => traceId === span.traceId && parentId === span.spanId)
  return Math.max(...[span, ...work].map(({ endNano }) => seconds(span.startNano, endNano)))
}

function seconds(from: bigint, until: bigint): number {
  return Number(until - from) / 1e9
}

function p99(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1]!
}

async function replay(path: string): Promise<Report> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['cli/blindspot.js', 'replay', path, '--format', 'json', '--fail-on', 'never'],
    { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 },
  )
  return JSON.parse(stdout) as Report
}
