/**
 * One start of the fleet with faults on different edges and processes, so that each is seen apart from the others: a
 * service all of whose edges are broken for different reasons looks as if it were broken itself.
 */
export interface Run {
  readonly name: string
  readonly seconds: number
  /** As `npm run fleet -- --faults` takes them. */
  readonly faults: readonly string[]
  /** One of the few that CI runs with every change. */
  readonly smoke?: true
}

/** Requests a second: enough for every signature, and little enough for two cores that are shared. */
export const RATE = 30

export const RUNS: readonly Run[] = [
  {
    name: 'caller',
    seconds: 24,
    faults: ['no_propagator', 'request_without_ctx', 'context_reused', 'gogc_off', 'gogc_5'],
    smoke: true,
  },
  {
    name: 'callee',
    seconds: 24,
    faults: ['no_extract', 'detached_goroutine', 'forced_gc'],
  },
  {
    name: 'proxy',
    seconds: 24,
    faults: ['proxy_new_parent', 'double_instrumentation', 'sibling_parent', 'lock_no_renewal@8s', 'async_after_end'],
  },
  { name: 'route', seconds: 24, faults: ['proxy_strip', 'format_mismatch', 'lock_overrun'] },
  {
    name: 'streams',
    seconds: 24,
    faults: ['format_mismatch_b3', 'sampler_mismatch', 'stream_never_ended', 'cert_expiring', 'alloc_surge@8s'],
  },
  {
    name: 'queues',
    seconds: 24,
    faults: ['queue_overflow', 'tracestate_dropped', 'span_ended_early', 'transport_per_request', 'memory_limit_tight'],
  },
  {
    name: 'crashes',
    seconds: 28,
    faults: ['crash_without_flush', 'stream_no_backpressure', 'cert_renewal_stuck', 'goroutine_leak'],
  },
  { name: 'skew', seconds: 24, faults: ['clock_skew', 'tls_slow', 'kafka_headers_dropped'] },
  { name: 'drift', seconds: 40, faults: ['clock_drift', 'lock_overlap'] },
  { name: 'step', seconds: 28, faults: ['clock_step@12s', 'cancel_ignored'] },
  { name: 'starved', seconds: 24, faults: ['cpu_starved@6s', 'truncate64'] },
  { name: 'pauses', seconds: 24, faults: ['long_pause'] },
  {
    name: 'look-alikes',
    seconds: 28,
    faults: [
      'linked_consumer',
      'caller_timeout',
      'cron_root',
      'browser_root',
      'late_export',
      'gogc_off_with_limit',
      'cache_warmup@10s',
    ],
    smoke: true,
  },
  { name: 'look-alikes under load', seconds: 36, faults: ['rolling_restart', 'long_poll', 'load_ramp'] },
]

/** `clock_step@12s` and `clock_skew=5ms` are the faults clock_step and clock_skew. */
export function faultName(asked: string): string {
  return asked.replace(/[=@].*$/, '')
}
