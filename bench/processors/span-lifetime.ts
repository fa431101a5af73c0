import { cpuUsage } from 'node:process'
import { TracesBatch } from '../../component/batch.ts'
import { VirtualClock } from '../../component/clock.ts'
import { ACCEPTED } from '../../component/consumer.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { Column, type SpanTable } from '../../otlp/span-table.ts'
import { configSchema } from '../../processors/span-lifetime/config.ts'
import { factory } from '../../processors/span-lifetime/span-lifetime.ts'
import { configSchema as windowConfig } from '../../processors/trace-window/config.ts'
import { factory as traceWindow } from '../../processors/trace-window/trace-window.ts'
import type { ServiceSpans, SpanSpec } from '../../tests/support/otlp-builder.ts'
import { tracesBatch } from '../../tests/support/scan.ts'
import { testProcessorSettings } from '../../tests/support/test-settings.ts'

// What span_lifetime alone costs a span, on whole traces that are gathered once and observed again and again while the
// virtual clock goes on at 100 000 spans a second and the times of the spans with it. Cases: `node bench/processors/
// span-lifetime.ts [SECONDS] [CASE]`.

const SECONDS = Number(process.argv[2] ?? 3)
const ONLY = process.argv[3]
const SPANS_A_SECOND = 100_000
const START_MS = Date.UTC(2026, 0, 1)

/** A trace of a shop as it is given to the bench: `call` counts up. */
type Trace = (call: number) => readonly ServiceSpans[]

function span(
  call: number,
  name: string,
  spanId: number,
  parentId: number | null,
  from: number,
  to: number,
  more: Partial<SpanSpec> = {},
): SpanSpec {
  const nano = (ms: number) => BigInt(Math.round((START_MS + ms) * 1000)) * 1000n
  return { traceId: call + 1, name, spanId, parentId, startNano: nano(from), endNano: nano(to), ...more }
}

/** Four services on two nodes, ten spans, nothing wrong. */
const ordinary: Trace = (call) => {
  const s = (...rest: [string, number, number | null, number, number, Partial<SpanSpec>?]) => span(call, ...rest)
  const way = 0.5 + (call % 10) / 50
  return [
    {
      service: 'edge',
      resource: { 'host.id': 'a' },
      spans: [
        s('GET /', 1, null, 0, 40, { kind: 'server' }),
        s('price', 2, 1, 2, 20, { kind: 'client' }),
        s('cart', 5, 1, 21, 38, { kind: 'client' }),
      ],
    },
    {
      service: 'price',
      resource: { 'host.id': 'b' },
      spans: [s('price', 3, 2, 2 + way, 20 - way, { kind: 'server' }), s('select', 4, 3, 5, 12, { kind: 'client' })],
    },
    {
      service: 'cart',
      resource: { 'host.id': 'b' },
      spans: [
        s('cart', 6, 5, 21 + way, 38 - way, { kind: 'server' }),
        s('redis', 7, 6, 24, 26, { kind: 'client' }),
        s('stock', 8, 6, 27, 36, { kind: 'client' }),
      ],
    },
    {
      service: 'stock',
      resource: { 'host.id': 'a' },
      spans: [s('stock', 9, 8, 27 + way, 36 - way, { kind: 'server' }), s('count', 10, 9, 28, 34)],
    },
  ]
}

/** The same, but every service leaves work behind and ends too early. */
const allWrong: Trace = (call) =>
  ordinary(call).map((service) => ({
    ...service,
    spans: service.spans.map((one) =>
      one.kind === 'server' ? { ...one, endNano: BigInt(one.startNano!) + 3_000_000n } : one,
    ),
  }))

/** One of 10 000 services calls one of ten others: 100 000 edges, each service on a host of its own. */
const manyServices: Trace = (call) => {
  const from = call % 10_000
  const to = (from * 7 + 1 + (Math.floor(call / 10_000) % 10) * 13) % 10_000
  return [
    {
      service: `s${from}`,
      resource: { 'host.id': `h${from}` },
      spans: [span(call, 'call', 1, null, 0, 10, { kind: 'client' })],
    },
    {
      service: `s${to}`,
      resource: { 'host.id': `h${to}` },
      spans: [span(call, 'serve', 2, 1, 1, 9, { kind: 'server' })],
    },
  ]
}

const oneSpan: Trace = (call) => [
  { service: 'cron', resource: { 'host.id': 'a' }, spans: [span(call, 'tick', 1, null, 0, 1)] },
]

/** A single trace of many spans, each the child of the one before or of the root. */
function longTrace(spans: number): readonly ServiceSpans[] {
  const children = Array.from({ length: spans - 1 }, (_, i) =>
    span(0, `step ${i % 50}`, i + 2, i % 3 === 0 ? 1 : i + 1, (i % 1000) / 100, 20),
  )
  return [{ service: 'batch', resource: { 'host.id': 'a' }, spans: [span(0, 'job', 1, null, 0, 20), ...children] }]
}

const CASES: readonly (readonly [string, readonly (readonly ServiceSpans[])[]])[] = [
  ['ordinary', Array.from({ length: 2000 }, (_, call) => ordinary(call))],
  ['every operation wrong', Array.from({ length: 2000 }, (_, call) => allWrong(call))],
  ['10 000 services, 100 000 edges', Array.from({ length: 100_000 }, (_, call) => manyServices(call))],
  ['traces of one span', Array.from({ length: 20_000 }, (_, call) => oneSpan(call))],
  ['one trace of 200 000 spans', [longTrace(200_000)]],
]

/** Gathers whole traces, as a window hands them on. */
async function gather(traces: readonly (readonly ServiceSpans[])[]): Promise<TracesBatch[]> {
  const clock = new VirtualClock(START_MS)
  const batches: TracesBatch[] = []
  const limits = { count: 100_000, bytes: 1e9 }
  const refs = new RefCache(limits, limits)
  const settings = testProcessorSettings('bench', 'traces', { clock, recorded: true })
  const window = traceWindow.create.traces!(settings, windowConfig.parse({}), {
    consume(batch) {
      batches.push(batch)
      return ACCEPTED
    },
  })
  await window.start()
  for (let i = 0; i < traces.length; i += 500) window.consume(tracesBatch(traces.slice(i, i + 500).flat(), refs))
  clock.advanceBy(60_000)
  return batches
}

/** Moves all times of a table on: a window would bring new spans, not the same again. */
function moveOn(table: SpanTable, nano: number): void {
  for (let row = 0; row < table.count; row++)
    for (const column of [Column.start, Column.end]) {
      const low = table.get(row, column + 1) + nano
      const carry = Math.floor(low / 4294967296)
      table.set(row, column, table.get(row, column) + carry)
      table.set(row, column + 1, low - carry * 4294967296)
    }
}

for (const [name, traces] of CASES) {
  if (ONLY !== undefined && !name.includes(ONLY)) continue
  const batches = await gather(traces)
  const clock = new VirtualClock(START_MS + 1000)
  const settings = testProcessorSettings('bench', 'traces', { clock })
  const detector = factory.create.traces!(settings, configSchema.parse({}), { consume: () => ACCEPTED })
  await detector.start()
  const passMs = (batches.reduce((sum, { table }) => sum + table.count, 0) / SPANS_A_SECOND) * 1000
  let spans = 0
  let micros = 0
  const pass = () => {
    for (const { table, traces: index } of batches) {
      moveOn(table, passMs * 1e6)
      const from = cpuUsage()
      clock.advanceBy((table.count / SPANS_A_SECOND) * 1000)
      detector.consume(new TracesBatch(table, index))
      const { user, system } = cpuUsage(from)
      micros += user + system
      spans += table.count
    }
    settings.findings.reports.length = 0
  }
  for (let i = 0; i < 3; i++) pass()
  spans = 0
  micros = 0
  while (micros < SECONDS * 1e6) pass()
  console.log(`${name.padEnd(32)} ${((micros * 1000) / spans).toFixed(0).padStart(6)} ns a span`)
}
