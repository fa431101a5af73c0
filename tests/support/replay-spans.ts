import { TracesBatch } from '../../component/batch.ts'
import { VirtualClock } from '../../component/clock.ts'
import type { ProcessorFactory } from '../../component/component.ts'
import { ACCEPTED } from '../../component/consumer.ts'
import type { FindingReport } from '../../component/finding.ts'
import { jsonToProtobuf } from '../../otlp/json/json-to-protobuf.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { Column, type SpanTable } from '../../otlp/span-table.ts'
import { configSchema as windowConfig } from '../../processors/trace-window/config.ts'
import { factory as traceWindow } from '../../processors/trace-window/trace-window.ts'
import { recordingLines } from './recordings.ts'
import { scan } from './scan.ts'
import { type TestSettings, testProcessorSettings } from './test-settings.ts'

/** The requests with spans of a recording; each test may shift times in the tables that it gets. */
export function recordedTables(file: string): SpanTable[] {
  const refs = new RefCache()
  return recordingLines(file)
    .filter((line) => line.startsWith('{"resourceSpans"'))
    .map((line) => scan(jsonToProtobuf('traces', line) as Uint8Array, refs))
}

/**
 * Runs requests through window and detector in the order of their latest end, the clock driven by it, and lets every
 * grace pass. `onBatch` sees what leaves the detector.
 */
export async function replaySpans<C>(
  factory: ProcessorFactory<C>,
  tables: readonly SpanTable[],
  config: unknown = {},
  onBatch: (batch: TracesBatch, nowMs: number) => void = () => {},
): Promise<TestSettings> {
  const ends = tables.map((table) => {
    let latest = 0
    for (let row = 0; row < table.count; row++) latest = Math.max(latest, table.timeMs(row, Column.end))
    return latest
  })
  const order = [...tables.keys()].sort((a, b) => ends[a]! - ends[b]!)
  const clock = new VirtualClock(ends[order[0]!]!)
  const settings = testProcessorSettings(factory.type, 'traces', { clock, recorded: true })
  const detector = factory.create.traces!(settings, factory.config.parse(config), {
    consume(batch) {
      onBatch(batch, clock.nowMs())
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
  return settings
}

/** What stands at the end: the last report of each rule, place and cause, unless it was taken back. */
export function standing(reports: readonly FindingReport[]): readonly FindingReport[] {
  const last = new Map<string, FindingReport>()
  for (const report of reports) {
    const key = (cause: string) => JSON.stringify([report.rule, report.place, cause])
    if (report.supersedesCause !== null) last.delete(key(report.supersedesCause))
    last.set(key(report.cause), report)
  }
  return [...last.values()].filter((report) => report.state !== 'retracted')
}
