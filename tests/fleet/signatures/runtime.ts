import type { Point } from '../recording.ts'
import { median, type Signature, type SignatureOf, share, type View } from '../view.ts'

/** go-signals.md §1.2: GOGC=off arrives as the largest int64, which is why values are compared as text. */
const GOGC_OFF = '9223372036854775807'

function pointsWhere(process: string, metric: string, what: string, belongs: (point: Point) => boolean): SignatureOf {
  return (view) => {
    const all = view.series(process, metric)
    return share(what, all.filter(belongs).length, all.length, 0.8)
  }
}

const memoryLimitTight: SignatureOf = (view) => {
  const limit = view.values('inventory', 'go.memory.limit').at(-1) ?? 0
  const used = usedPerTime(view, 'inventory')
  const tight = used.filter((bytes) => bytes > limit * 0.9).length
  const cycles = growthPerSecond(view, 'inventory', 'go_gc_cycles_total_gc_cycles_total')
  const found = share(
    `points with more than 90 % of the limit in use; ${cycles.toFixed(1)} collections a second`,
    tight,
    used.length,
    0.5,
  )
  return { ...found, shown: found.shown && limit > 0 && cycles > 2 }
}

/** go.memory.used has one point for stacks and one for the rest. */
function usedPerTime(view: View, process: string): readonly number[] {
  const sums = new Map<bigint, number>()
  for (const point of view.series(process, 'go.memory.used'))
    sums.set(point.timeNano, (sums.get(point.timeNano) ?? 0) + Number(point.value))
  return [...sums.values()]
}

function growthPerSecond(view: View, process: string, metric: string): number {
  const series = view.series(process, metric)
  const [first, last] = [series[0], series.at(-1)]
  if (!first || !last || first === last) return 0
  return (Number(last.value) - Number(first.value)) / (Number(last.timeNano - first.timeNano) / 1e9)
}

const allocSurge: SignatureOf = (view) => {
  const megabytes = growthPerSecond(view, 'edge', 'go.memory.allocated') / 1e6
  return {
    seen: Math.round(megabytes),
    of: view.series('edge', 'go.memory.allocated').length,
    shown: megabytes > 50,
    what: 'MB a second allocated by edge',
  }
}

/** Each export must carry a fresh reading, or the rate is zero and then double. */
const goroutineLeak: SignatureOf = (view, fault) => {
  const values = view.values('cart-2', 'go.goroutine.count')
  const rising = values.filter((value, i) => i > 0 && value > (values[i - 1] ?? 0)).length
  const growth = (values.at(-1) ?? 0) - (values[0] ?? 0)
  const found = share(
    `points with more goroutines than the one before; ${growth} more at the end, ${fault.strikes} leaked`,
    rising,
    values.length - 1,
    0.9,
  )
  return { ...found, shown: found.shown && growth > fault.strikes * 0.5 }
}

const cpuStarved: SignatureOf = (view) => {
  const [before, after] = [
    lastHistogram(view.before, view, 'shipping'),
    view.series('shipping', 'go.schedule.duration').at(-1),
  ]
  const late = after?.histogram ? share10ms(after, before) : 0
  const runnable = median(view.values('shipping', 'go_sched_goroutines_runnable_goroutines'))
  const processors = view.values('shipping', 'go.processor.limit').at(-1)
  return {
    seen: Math.round(late * 1000) / 10,
    of: 100,
    shown: late > 0.01 && processors === 1,
    what: `% of scheduling delays above 10 ms; median ${runnable} runnable on ${processors} processor`,
  }
}

function lastHistogram(points: readonly Point[], view: View, process: string): Point | undefined {
  const instance = view.instance(process)
  return points.filter((point) => point.metric === 'go.schedule.duration' && point.instance === instance).at(-1)
}

/** Share of the new observations in buckets above 10 ms; the histogram is cumulative. */
function share10ms(after: Point, before: Point | undefined): number {
  const { counts, bounds } = after.histogram ?? { counts: [], bounds: [] }
  const base = before?.histogram?.bounds.length === bounds.length ? before.histogram.counts : []
  const fresh = counts.map((count, i) => count - (base[i] ?? 0))
  const total = fresh.reduce((sum, count) => sum + count, 0)
  const late = fresh.filter((_, i) => (bounds[i - 1] ?? 0) >= 0.01).reduce((sum, count) => sum + count, 0)
  return total === 0 ? 0 : late / total
}

const forcedGc: SignatureOf = (view) => {
  const forced = growthPerSecond(view, 'checkout', 'go_gc_cycles_forced_gc_cycles_total')
  const total = growthPerSecond(view, 'checkout', 'go_gc_cycles_total_gc_cycles_total')
  return rate('forced collections a second, of all', forced, total, forced > 2 && forced / total > 0.5)
}

function rate(what: string, seen: number, of: number, shown: boolean): Signature {
  return { seen: Math.round(seen * 10) / 10, of: Math.round(of * 10) / 10, shown, what }
}

/** How many pauses meet a copy depends on how fast the machine copies; other runs of the fleet have none of them at all. */
const longPause: SignatureOf = (view) => {
  const series = view.series('shipping', 'go_sched_pauses_total_gc_seconds')
  const [first, last] = [series[0]?.histogram, series.at(-1)?.histogram]
  const fresh = (last?.counts ?? []).map((count, i) => count - (first?.counts[i] ?? 0))
  const total = fresh.reduce((sum, count) => sum + count, 0)
  const long = fresh.filter((_, i) => (last?.bounds[i - 1] ?? 0) >= 0.005).reduce((sum, count) => sum + count, 0)
  return share('collections whose pause is in a bucket above 5 ms', long, total, 0.05)
}

export const runtime: Readonly<Record<string, SignatureOf>> = {
  gogc_off: pointsWhere(
    'payment',
    'go.config.gogc',
    'points of go.config.gogc that are the largest int64',
    (point) => point.value === GOGC_OFF,
  ),
  gogc_5: pointsWhere(
    'cart-1',
    'go.config.gogc',
    'points of go.config.gogc that are 5',
    (point) => point.value === '5',
  ),
  memory_limit_tight: memoryLimitTight,
  alloc_surge: allocSurge,
  goroutine_leak: goroutineLeak,
  cpu_starved: cpuStarved,
  forced_gc: forcedGc,
  long_pause: longPause,
}
