import { expect, it } from '@jest/globals'
import { TracesBatch } from '../../../component/batch.ts'
import { VirtualClock } from '../../../component/clock.ts'
import { ACCEPTED } from '../../../component/consumer.ts'
import type { FindingReport } from '../../../component/finding.ts'
import { jsonToProtobuf } from '../../../otlp/json/json-to-protobuf.ts'
import { RefCache } from '../../../otlp/resource-cache.ts'
import { Column } from '../../../otlp/span-table.ts'
import { configSchema } from '../../../processors/context-propagation/config.ts'
import { factory } from '../../../processors/context-propagation/context-propagation.ts'
import { configSchema as windowConfig } from '../../../processors/trace-window/config.ts'
import { factory as traceWindow } from '../../../processors/trace-window/trace-window.ts'
import { describeRecordings, recordingLines } from '../../support/recordings.ts'
import { scan } from '../../support/scan.ts'
import { testProcessorSettings } from '../../support/test-settings.ts'

interface Replayed {
  readonly spans: number
  readonly traces: number
  readonly findings: readonly FindingReport[]
}

/** Runs the spans of a recording through window and detector, the clock driven by the latest end time seen. */
async function replay(file: string): Promise<Replayed> {
  const refs = new RefCache()
  const tables = recordingLines(file)
    .filter((line) => line.startsWith('{"resourceSpans"'))
    .map((line) => scan(jsonToProtobuf('traces', line) as Uint8Array, refs))
  const ends = tables.map((table) => {
    let latest = 0
    for (let row = 0; row < table.count; row++) latest = Math.max(latest, table.timeMs(row, Column.end))
    return latest
  })
  const order = [...tables.keys()].sort((a, b) => ends[a]! - ends[b]!)
  const clock = new VirtualClock(ends[order[0]!]!)
  const settings = testProcessorSettings('context_propagation', 'traces', { clock, recorded: true })
  let spans = 0
  let traces = 0
  const detector = factory.create.traces!(settings, configSchema.parse({}), {
    consume(batch) {
      spans += batch.table.count
      traces += batch.traces!.traceCount
      return ACCEPTED
    },
  })
  const window = traceWindow.create.traces!(settings, windowConfig.parse({}), detector)
  await detector.start()
  await window.start()
  for (const i of order) {
    clock.advanceTo(ends[i]!)
    window.consume(new TracesBatch(tables[i]!))
  }
  clock.advanceBy(120_000)
  const last = new Map<string, FindingReport>()
  for (const report of settings.findings.reports)
    last.set(JSON.stringify([report.rule, report.place, report.cause]), report)
  return { spans, traces, findings: [...last.values()].filter((finding) => finding.state !== 'retracted') }
}

describeRecordings('context_propagation on recordings of real systems', () => {
  it.each([
    ['hotel-load50.otlp.jsonl.gz', 11_000, 1000],
    ['hotel-load100.otlp.jsonl.gz', 11_000, 1000],
  ])('%s is whole: %i spans in %i traces, no finding', async (file, spans, traces) => {
    expect(await replay(file)).toEqual({ spans, traces, findings: [] })
  })

  it.each(['onlineboutique-clockdrift.otlp.jsonl.gz', 'onlineboutique-cpu-fault.otlp.jsonl.gz'])(
    '%s, whose SDK sets no kinds, has no finding',
    async (file) => {
      expect((await replay(file)).findings).toEqual([])
    },
  )

  it('otel-demo has one orphan, the stream of flagd, and no lost context in its linked roots', async () => {
    const { findings } = await replay('otel-demo.otlp.jsonl.gz')
    expect(findings).toHaveLength(1)
    expect(findings[0]).toMatchObject({
      rule: 'CTX-001',
      state: 'confirmed',
      occurrences: 1,
      place: { service: 'flagd' },
    })
    expect(findings[0]!.place.operation).toContain('EventStream')
  })
})
