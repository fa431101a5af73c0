import { durationMs, isEntry, isRoot, type SignatureOf, share } from '../view.ts'
import { overrunMs } from './lifetime.ts'

/** Look-alikes are proven too: silence about something that did not happen would say nothing. */
const linkedConsumer: SignatureOf = (view) => {
  const all = view.of('shipping').filter((span) => span.kind === 'consumer')
  return share(
    'CONSUMER roots with links',
    all.filter((span) => isRoot(span) && span.links > 0).length,
    all.length,
    0.8,
  )
}

const callerTimeout: SignatureOf = (view) => {
  const all = view.of('edge', 'HTTP GET').filter((span) => span.error && view.children(span).some(isEntry))
  const within = all.filter((span) => overrunMs(view, span) > 0 && overrunMs(view, span) < 500)
  return share('timed-out calls whose callee stopped within half a second', within.length, all.length, 0.95)
}

const longPoll: SignatureOf = (view, fault) => {
  const all = view.of('checkout', 'GET /events')
  return share(
    'requests of 8 s',
    all.filter((span) => durationMs(span) > 7900).length,
    Math.min(all.length, fault.strikes),
    0.8,
  )
}

const cronRoot: SignatureOf = (view) => {
  const all = view.of('checkout', 'job.reprice')
  return share('INTERNAL roots of a job', all.filter(isRoot).length, all.length, 1)
}

const browserRoot: SignatureOf = (view) => {
  const all = view.spans.filter((span) => span.service === 'storefront')
  return share(
    'CLIENT roots of the storefront',
    all.filter((span) => isRoot(span) && span.kind === 'client').length,
    all.length,
    0.95,
  )
}

const lateExport: SignatureOf = (view, fault) => {
  const all = view.of('payment').filter(isEntry)
  return {
    seen: all.length,
    of: fault.strikes,
    shown: all.length > 0 && fault.strikes > 0 && view.orphans(all).length === 0,
    what: `payment spans that came in ${fault.strikes} late batches, none an orphan`,
  }
}

const rollingRestart: SignatureOf = (view) => {
  const instances = new Set(view.of('cart').map((span) => span.instance))
  const orphans = view.orphans(view.spans).length
  return {
    seen: instances.size,
    of: 4,
    shown: instances.size >= 3 && orphans === 0,
    what: `instances of cart, ${orphans} orphans`,
  }
}

const gogcOffWithLimit: SignatureOf = (view) => {
  const all = view.series('payment', 'go.config.gogc')
  const limited = view.values('payment', 'go.memory.limit').filter((bytes) => bytes === 256 << 20).length
  const off = all.filter((point) => point.value === '9223372036854775807').length
  return {
    ...share(`points with GOGC=off, ${limited} with a limit`, off, all.length, 0.8),
    shown: off > 1 && limited >= off * 0.8,
  }
}

/** Several times what edge allocates for its load, a second. */
const SURGE_BYTES = 20e6

const cacheWarmup: SignatureOf = (view) => {
  // The surge begins with the window: its first interval counts from the last point before.
  const values = [
    ...view.valuesBefore('edge', 'go.memory.allocated').slice(-1),
    ...view.values('edge', 'go.memory.allocated'),
  ]
  const steps = values.slice(1).map((value, i) => value - (values[i] ?? 0))
  const surges = steps.filter((bytes) => bytes > SURGE_BYTES * view.truth.metrics_every_seconds)
  return {
    seen: surges.length,
    of: steps.length,
    shown: surges.length > 0 && surges.length <= 2,
    what: 'intervals with more than 20 MB/s allocated, once',
  }
}

const loadRamp: SignatureOf = (view) => {
  const starts = view
    .of('edge')
    .filter(isEntry)
    .map((span) => span.startNano)
    .sort((a, b) => (a < b ? -1 : 1))
  const span = Number((starts.at(-1) ?? 0n) - (starts[0] ?? 0n))
  const [early, late] = [0.2, 0.8].map((part) => Number(starts[0] ?? 0n) + span * part)
  const first = starts.filter((at) => Number(at) < (early ?? 0)).length
  const last = starts.filter((at) => Number(at) > (late ?? 0)).length
  const goroutines = view.values('edge', 'go.goroutine.count')
  return {
    seen: last,
    of: first,
    shown: last > first * 1.5 && (goroutines.at(-1) ?? 0) > (goroutines[0] ?? 0) * 1.5,
    what: `requests in the last fifth against the first; goroutines ${goroutines[0]} → ${goroutines.at(-1)}`,
  }
}

export const lookAlike: Readonly<Record<string, SignatureOf>> = {
  linked_consumer: linkedConsumer,
  caller_timeout: callerTimeout,
  long_poll: longPoll,
  cron_root: cronRoot,
  browser_root: browserRoot,
  late_export: lateExport,
  rolling_restart: rollingRestart,
  gogc_off_with_limit: gogcOffWithLimit,
  cache_warmup: cacheWarmup,
  load_ramp: loadRamp,
}
