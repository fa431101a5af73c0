import { cpuUsage } from 'node:process'
import { TracesBatch } from '../../component/batch.ts'
import { VirtualClock } from '../../component/clock.ts'
import { ACCEPTED, type Consumer } from '../../component/consumer.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { scanTraces } from '../../otlp/scan-traces.ts'
import { Source } from '../../otlp/source.ts'
import { SpanTable } from '../../otlp/span-table.ts'
import { configSchema as contextConfig } from '../../processors/context-propagation/config.ts'
import { factory as contextPropagation } from '../../processors/context-propagation/context-propagation.ts'
import { configSchema as lifetimeConfig } from '../../processors/span-lifetime/config.ts'
import { factory as spanLifetime } from '../../processors/span-lifetime/span-lifetime.ts'
import { configSchema as windowConfig } from '../../processors/trace-window/config.ts'
import { factory as traceWindow } from '../../processors/trace-window/trace-window.ts'
import { testProcessorSettings } from '../../tests/support/test-settings.ts'
import { LoadSequence, RequestSlot } from '../load/fresh-request.ts'
import { SPANS_PER_REQUEST } from '../load/request-template.ts'

// What each stage of analysis costs a span, in one process without sockets: stages are added one by one, and the
// difference to the line before is the stage's own. The load is that of the whole-gateway bench, 100 000 spans a second
// of the virtual clock.

const SECONDS = Number(process.argv[2] ?? 3)
/** Only the stage of this name. */
const ONLY = process.argv[3]
const GRPC_PREFIX_BYTES = 5
const MS_PER_REQUEST = SPANS_PER_REQUEST / 100

type Stage = (next: Consumer<TracesBatch>) => Promise<Consumer<TracesBatch>>

/** Spans are of now, so the clock begins there too. */
const clock = new VirtualClock(Date.now())
const settings = () => testProcessorSettings('bench', 'traces', { clock })

async function started<P extends Consumer<TracesBatch> & { start(): Promise<void> }>(processor: P): Promise<P> {
  await processor.start()
  return processor
}

const window: Stage = (next) => started(traceWindow.create.traces!(settings(), windowConfig.parse({}), next))
const context: Stage = (next) => started(contextPropagation.create.traces!(settings(), contextConfig.parse({}), next))
const lifetime: Stage = (next) => started(spanLifetime.create.traces!(settings(), lifetimeConfig.parse({}), next))
const encode: Stage = async (next) => ({
  consume(batch) {
    batch.encode()
    return next.consume(batch)
  },
})

const CASES: readonly (readonly [string, readonly Stage[]])[] = [
  ['make and scan requests', []],
  ['+ trace_window', [window]],
  ['+ splice', [window, encode]],
  ['+ context_propagation', [window, context, encode]],
  ['+ span_lifetime', [window, context, lifetime, encode]],
]

for (const [name, stages] of CASES) {
  if (ONLY !== undefined && !name.includes(ONLY)) continue
  let first: Consumer<TracesBatch> = { consume: () => ACCEPTED }
  for (const stage of [...stages].reverse()) first = await stage(first)
  const slot = new RequestSlot(new LoadSequence(), 0)
  const refs = new RefCache()
  const send = () => {
    clock.advanceBy(MS_PER_REQUEST)
    const source = new Source(new Uint8Array(slot.next().subarray(GRPC_PREFIX_BYTES)))
    const table = scanTraces(source, refs)
    if (!(table instanceof SpanTable)) throw new Error(table.message)
    first.consume(new TracesBatch(table))
    source.release()
  }
  for (let i = 0; i < 2000; i++) send()
  const from = cpuUsage()
  let spans = 0
  let micros = 0
  while (micros < SECONDS * 1e6) {
    for (let i = 0; i < 50; i++) send()
    spans += 50 * SPANS_PER_REQUEST
    const { user, system } = cpuUsage(from)
    micros = user + system
  }
  console.log(`${name.padEnd(26)} ${((micros * 1000) / spans).toFixed(0).padStart(6)} ns a span`)
}
