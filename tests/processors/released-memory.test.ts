import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { TracesBatch } from '../../component/batch.ts'
import { ByteBudget } from '../../component/budget.ts'
import { VirtualClock } from '../../component/clock.ts'
import { ACCEPTED, type Consumer } from '../../component/consumer.ts'
import { OutgoingRequest } from '../../exporters/sending/outgoing.ts'
import { FindingRegistry } from '../../findings/registry.ts'
import { buildReport } from '../../findings/report/build-report.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { scanTraces } from '../../otlp/scan-traces.ts'
import { Source } from '../../otlp/source.ts'
import { Column, SpanTable } from '../../otlp/span-table.ts'
import { ProcessorGraph } from '../../pipeline/graph/processor-graph.ts'
import { PROCESSORS } from '../../pipeline/processors.ts'
import { builtInConfig } from '../../pipeline/replay/built-in-config.ts'
import { Recording } from '../../receivers/file/recording.ts'
import { SILENT_LOGGER } from '../../telemetry/logger.ts'
import { testSettings } from '../support/test-settings.ts'

const RECORDINGS = fileURLToPath(new URL('../../examples/recordings/', import.meta.url))
const GARBAGE = 0xa5

/** A budget whose memory is overwritten as soon as it is given back, as the next user may do. */
function spoilingBudget(): ByteBudget {
  const budget = new ByteBudget(1024 ** 3)
  const give = budget.memory.give.bind(budget.memory)
  budget.memory.give = (memory) => {
    new Uint8Array(memory).fill(GARBAGE)
    give(memory)
  }
  return budget
}

/** Two requests in one: what leaves is written anew, since it is edited or of several requests. */
async function tracesOf(file: string): Promise<Uint8Array[]> {
  const recording = new Recording(RECORDINGS + file)
  const requests: Uint8Array[] = []
  for await (const messages of recording.rawMessages())
    for (const message of messages)
      for (const { signal, bytes } of recording.requestsIn(message))
        if (signal === 'traces') requests.push(new Uint8Array(bytes))
  return requests
}

/** What a gateway with every detector says of the requests, and a hash of what it sends. */
async function outcomeOf(requests: readonly Uint8Array[], budget: ByteBudget, reusesBodies: boolean) {
  const config = builtInConfig(PROCESSORS)
  const traces = config.pipelines.filter(({ signal }) => signal === 'traces')
  const refs = new RefCache()
  const tables = () =>
    requests.map((bytes) => {
      const body = reusesBodies ? budget.memory.take(bytes.length) : new ArrayBuffer(bytes.length)
      const copy = new Uint8Array(body, 0, bytes.length)
      copy.set(bytes)
      const source = new Source(copy, () => {
        if (!reusesBodies) return
        copy.fill(GARBAGE)
        budget.memory.give(body)
      })
      return scanTraces(source, refs, new SpanTable(64, budget.memory)) as SpanTable
    })
  const arriving = tables()
    .map((table) => ({ table, atMs: latestEndMs(table) }))
    .sort((a, b) => a.atMs - b.atMs)
  const clock = new VirtualClock(arriving[0]!.atMs)
  const findings = new FindingRegistry({ clock, logger: SILENT_LOGGER, evidenceLimit: Number.POSITIVE_INFINITY })
  const sent = createHash('sha256')
  const exporter: Consumer = {
    consume(batch) {
      const request = OutgoingRequest.of(batch, budget)
      sent.update(request.bytes)
      request.release()
      return ACCEPTED
    },
  }
  const runtime = { ...testSettings('gateway'), clock, budget, findings, recorded: true }
  const graph = new ProcessorGraph(traces, config.processors, runtime, () => exporter)
  await graph.start()
  for (const { table, atMs } of arriving) {
    clock.advanceTo(atMs)
    await graph.next.traces!.consume(new TracesBatch(table))
    table.release()
  }
  clock.advanceBy(120_000)
  const report = buildReport([], findings)
  findings.close()
  return { report, sent: sent.digest('hex') }
}

function latestEndMs(table: SpanTable): number {
  let latest = 0
  for (let row = 0; row < table.count; row++) latest = Math.max(latest, table.timeMs(row, Column.end))
  return latest
}

describe('nobody reads bytes or rows that were released', () => {
  it.each(['propagation.otlp.pb.gz', 'lifetime.otlp.pb.gz'])('findings and output of %s stay', async (file) => {
    const requests = await tracesOf(file)
    const expected = await outcomeOf(requests, new ByteBudget(1024 ** 3), false)
    expect(expected.report.findings.length).toBeGreaterThan(2)
    const budget = spoilingBudget()
    expect(await outcomeOf(requests, budget, true)).toEqual(expected)
    expect(budget.memory.freeBytes).toBeGreaterThan(0)
  })
})
