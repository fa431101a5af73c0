import { spawnSync } from 'node:child_process'
import { cpuUsage, resourceUsage } from 'node:process'
import { TracesBatch } from '../../component/batch.ts'
import { ByteBudget } from '../../component/budget.ts'
import { VirtualClock } from '../../component/clock.ts'
import { ACCEPTED, type Consumer } from '../../component/consumer.ts'
import { ownedSource } from '../../component/owned-source.ts'
import { maxRequestBytes } from '../../exporters/sending/config.ts'
import { requestsOf } from '../../exporters/sending/cut-batch.ts'
import { concatenated } from '../../otlp/buffer-memory.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { scanTraces } from '../../otlp/scan-traces.ts'
import { SpanTable } from '../../otlp/span-table.ts'
import { configSchema as contextConfig } from '../../processors/context-propagation/config.ts'
import { factory as contextPropagation } from '../../processors/context-propagation/context-propagation.ts'
import { configSchema as lifetimeConfig } from '../../processors/span-lifetime/config.ts'
import { factory as spanLifetime } from '../../processors/span-lifetime/span-lifetime.ts'
import { configSchema as windowConfig } from '../../processors/trace-window/config.ts'
import { factory as traceWindow } from '../../processors/trace-window/trace-window.ts'
import { testProcessorSettings } from '../../tests/support/test-settings.ts'
import { COST_LOADS, type CostLoad } from './cost-loads.ts'

// What all trace rules together cost a span on top of passing it through, on the ordinary load and on loads that bring
// their worst: CPU time (user and system), peak memory, and the ratio to the ordinary load. Each case runs in a process of
// its own, without sockets, on a virtual clock; with the settings of V8 and the reuse of memory that a gateway has.
//
//     npm run bench:cost -- [SECONDS] [CASE]        SECONDS of CPU a case at least; only cases whose name contains CASE

const SECONDS = Number(process.argv[2] ?? 4)
const ONLY = process.argv[3] ?? ''
/** What runs: nothing, the window, and one detector after the other behind it. */
const STAGES = ['pass-through', 'trace_window', 'context_propagation', 'span_lifetime'] as const
/** Set in the processes that measure one case: its name, and how many stages run. */
const { BENCH_CASE, BENCH_STAGES } = process.env

interface Cost {
  readonly nanoPerSpan: number
  readonly peakMiB: number
}

/** How Node runs a gateway. */
const SETTINGS = new URL('../../cli/node-settings.js', import.meta.url).href

const MAX_REQUEST_BYTES = maxRequestBytes.parse(undefined)
/** A large gateway: 4 GiB for what waits. */
const BUDGET_BYTES = 4 * 1024 ** 3

async function open(load: CostLoad, stages: number): Promise<() => void> {
  // Its requests are of now.
  const clock = new VirtualClock(Date.now())
  const budget = new ByteBudget(BUDGET_BYTES)
  const settings = testProcessorSettings('bench', 'traces', { clock, budget })
  let first: Consumer<TracesBatch> = {
    consume(batch) {
      for (const request of requestsOf(batch, MAX_REQUEST_BYTES, budget)) request.release()
      return ACCEPTED
    },
  }
  const running = <P extends Consumer<TracesBatch> & { start(): Promise<void> }>(processor: P) =>
    processor.start().then(() => processor)
  if (stages > 3) first = await running(spanLifetime.create.traces!(settings, lifetimeConfig.parse({}), first))
  if (stages > 2) first = await running(contextPropagation.create.traces!(settings, contextConfig.parse({}), first))
  if (stages > 1) first = await running(traceWindow.create.traces!(settings, windowConfig.parse({}), first))
  const refs = new RefCache()
  const next = load.open(() => Math.floor(clock.nowMs()))
  return () => {
    clock.advanceBy((load.spansPerRequest / load.spansASecond) * 1000)
    // As receivers have a request: in memory that the next one gets when this one is done.
    const source = ownedSource(concatenated([next()], budget.memory), budget)
    const table = scanTraces(source, refs, new SpanTable(load.spansPerRequest, budget.memory))
    if (!(table instanceof SpanTable)) throw new Error(table.message)
    first.consume(new TracesBatch(table))
    table.release()
    settings.findings.reports.length = 0
  }
}

/** Whole cycles, after one to warm up. */
async function measure(load: CostLoad, stages: number): Promise<Cost> {
  const send = await open(load, stages)
  const requests = Math.ceil(load.cycleSpans / load.spansPerRequest)
  for (let i = 0; i < Math.min(requests, 2000); i++) send()
  let spans = 0
  let micros = 0
  while (micros < SECONDS * 1e6) {
    const from = cpuUsage()
    for (let i = 0; i < requests; i++) send()
    const { user, system } = cpuUsage(from)
    micros += user + system
    spans += requests * load.spansPerRequest
  }
  return { nanoPerSpan: (micros * 1000) / spans, peakMiB: resourceUsage().maxRSS / 1024 }
}

function measured(load: CostLoad, stages: number): Cost {
  const env = { ...process.env, BENCH_CASE: load.name, BENCH_STAGES: String(stages) }
  const args = [...process.execArgv, '--import', SETTINGS, ...process.argv.slice(1)]
  const { status, stdout } = spawnSync(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  if (status !== 0) throw new Error(`the process of "${load.name}" failed`)
  return JSON.parse(stdout.toString()) as Cost
}

function isAsked({ name }: CostLoad): boolean {
  return name.includes(ONLY)
}

function compare(): void {
  const rows: Record<string, unknown>[] = []
  const onTop = new Map<string, number>()
  for (const load of COST_LOADS) {
    const isStandard = COST_LOADS.some((one) => isAsked(one) && one.comparedWith === load.name)
    if (!isAsked(load) && !isStandard) continue
    const costs = STAGES.map((_, i) => measured(load, i + 1))
    const own = costs.map(({ nanoPerSpan }, i) => nanoPerSpan - (costs[i - 1]?.nanoPerSpan ?? 0))
    const nano = costs.at(-1)!.nanoPerSpan - costs[0]!.nanoPerSpan
    onTop.set(load.name, nano)
    rows.push({
      load: load.name,
      ...Object.fromEntries(STAGES.map((stage, i) => [stage, Math.round(own[i]!)])),
      'on top': Math.round(nano),
      'to ordinary': Number((nano / onTop.get(load.comparedWith)!).toFixed(2)),
      'peak MiB': Math.round(costs.at(-1)!.peakMiB),
    })
  }
  process.stdout.write('CPU time a span in ns: passing it through, and what each stage adds\n')
  console.table(rows)
}

const load = COST_LOADS.find(({ name }) => name === BENCH_CASE)
if (load) console.log(JSON.stringify(await measure(load, Number(BENCH_STAGES))))
else compare()
