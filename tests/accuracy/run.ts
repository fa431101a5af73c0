import { createNoopMeter } from '@opentelemetry/api'
import { TracesBatch } from '../../component/batch.ts'
import { ByteBudget } from '../../component/budget.ts'
import { VirtualClock } from '../../component/clock.ts'
import { ACCEPTED, type Consumer } from '../../component/consumer.ts'
import { FindingRegistry } from '../../findings/registry.ts'
import { buildReport, findingRow } from '../../findings/report/build-report.ts'
import type { Report } from '../../findings/report/report-schema.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { ProcessorGraph } from '../../pipeline/graph/processor-graph.ts'
import { PROCESSORS } from '../../pipeline/processors.ts'
import { builtInConfig } from '../../pipeline/replay/built-in-config.ts'
import { SILENT_LOGGER } from '../../telemetry/logger.ts'
import { scan } from '../support/scan.ts'
import type { Delivery } from './model/delivery.ts'

/** What a gateway said of a recording, and when. */
export interface Outcome {
  /** As `replay --format json --evidence all` has them. */
  readonly findings: Report['findings']
  readonly clocks: Report['clocks']
  /** Each finding as it was published, whenever it opened or changed: what an operator was told at that time. */
  readonly statements: Report['findings']
  /** By finding id: when it was published first, and when it was confirmed first. */
  readonly publishedMs: ReadonlyMap<string, number>
  readonly confirmedMs: ReadonlyMap<string, number>
}

const CONFIG = builtInConfig(PROCESSORS)
const TRACES = CONFIG.pipelines.filter((pipeline) => pipeline.signal === 'traces')
/** The window, the grace for late spans, and what judges need to say their last word; as `replay` waits. */
const REST_MS = 110_000
/** The gateway is there before the recording begins, so that nothing in it counts as half seen. */
const QUIET_BEFORE_MS = 30_000

/** Runs requests through the built-in pipeline of `replay`. */
export async function runPipeline(deliveries: readonly Delivery[]): Promise<Outcome> {
  const clock = new VirtualClock((deliveries[0]?.atMs ?? 0) - QUIET_BEFORE_MS)
  const registry = new FindingRegistry({ clock, logger: SILENT_LOGGER, evidenceLimit: Number.POSITIVE_INFINITY })
  const publishedMs = new Map<string, number>()
  const confirmedMs = new Map<string, number>()
  const statements: Report['findings'] = []
  registry.subscribe(({ finding }) => {
    const { id } = finding
    if (finding.state === 'provisional' || finding.state === 'confirmed')
      statements.push(findingRow({ ...finding, evidence: [] }))
    if (!publishedMs.has(id)) publishedMs.set(id, clock.nowMs())
    if (finding.state === 'confirmed' && !confirmedMs.has(id)) confirmedMs.set(id, clock.nowMs())
  })
  const sink: Consumer = { consume: () => ACCEPTED }
  const runtime = {
    clock,
    logger: SILENT_LOGGER,
    meter: createNoopMeter(),
    budget: new ByteBudget(1024 * 1024 * 1024),
    findings: registry,
    recorded: true,
  }
  const graph = new ProcessorGraph(TRACES, CONFIG.processors, runtime, () => sink)
  await graph.start()
  const refs = new RefCache()
  const traces = graph.next.traces!
  for (const { atMs, bytes } of deliveries) {
    clock.advanceTo(atMs)
    const batch = new TracesBatch(scan(bytes, refs))
    const outcome = await traces.consume(batch)
    if (outcome.kind !== 'accepted') throw new Error(`the pipeline took ${outcome.kind} of a recording`)
    batch.release()
  }
  clock.advanceBy(REST_MS)
  const { findings, clocks } = buildReport([], registry)
  registry.close()
  return { findings, clocks, statements, publishedMs, confirmedMs }
}
