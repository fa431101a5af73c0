import type { Rule } from '../rule.ts'

export const rule: Rule = {
  id: 'GO-001',
  name: 'gc_disabled',
  levels: ['error', 'info'],
  detected: true,
  processor: 'go_runtime',
  signals: ['metrics'],
  reads:
    'go.config.gogc, go.memory.limit, go.memory.gc.goal; or go_gc_gogc_percent, go_gc_gomemlimit_bytes, go_gc_heap_goal_bytes, go_memstats_next_gc_bytes',
  when: 'A Go process runs with GOGC=off: an error without a memory limit, worth knowing with one.',
  meaning:
    'The garbage collector never starts by itself. Without a memory limit the heap only grows, until the kernel kills the process. With a limit this is a documented way to use memory that is there anyway; then collections start only near the limit.',
  drawing: `
    heap   GOGC=100            ╱╲╱╲╱╲╱╲╱╲╱╲      collected again and again
           off, no limit       ╱‾‾‾‾‾‾‾‾ ✕       grows until the process is killed   <- error
           off, GOMEMLIMIT     ╱‾‾‾╲╱╲╱╲╱╲       collected near the limit            <- info`,
  key: { operation: false, instance: true },
  occurrence: 'data point that says so',
  population: { per: 'process', what: 'data points of this process that were read for the rule' },
  evidence: 'data points that say so, by time, metric and instance',
  causes: [
    {
      cause: 'gogc_off',
      means: 'GOGC=off in the environment, or debug.SetGCPercent with a negative number in the code.',
      mend: 'Remove GOGC=off from the environment, or set a memory limit beside it, 5 to 10 % below the limit of the container. SetGCPercent(0) is no way to switch it off: it collects nearly all the time.',
      go: `// in the code, when the environment is not yours:
debug.SetGCPercent(100)

// or, wanted: no collections until memory gets tight
debug.SetGCPercent(-1)
debug.SetMemoryLimit(900 << 20) // container limit 1 GiB

// GOGC=off GOMEMLIMIT=900MiB in the environment says the same`,
    },
  ],
  values: [
    { key: 'signal_source', of: 'both', unit: '', means: 'who sent the metrics: otel_sdk, obi or prometheus' },
    { key: 'memory_limit_bytes', of: 'both', unit: 'By', means: 'GOMEMLIMIT, where one is set and sent' },
    {
      key: 'heap_goal_bytes',
      of: 'both',
      unit: 'By',
      means: 'heap size at which the next collection starts, where there is one',
    },
  ],
  thresholds: [
    {
      key: 'stale_after',
      default: '5m',
      unit: 's',
      reason: 'An SDK exports every minute by default; after five missed exports a setting is no longer known.',
    },
  ],
  fixed: [
    {
      what: 'GOGC from which it counts as off',
      value: '2^53',
      constants: ['go-runtime/go-signals.ts BEYOND_ANY_PERCENT'],
      reason: 'The runtime says off as the largest integer; no percentage comes near.',
    },
    {
      what: 'points without a limit from which that is an error',
      value: '2',
      constants: ['go-runtime/gc-disabled.ts DECIDE_WITHOUT_LIMIT_FROM'],
      reason: 'The limit may come in another request of the same export.',
    },
  ],
  blindTo: [
    'Processes whose runtime metrics do not arrive: the report lists them as not evaluable, with what to switch on.',
    'A process that sends the percentage but, by a view or a filter, not the limit: it is taken for one without limit unless its heap goal shows one.',
    'Other languages: the rule reads Go names only.',
  ],
  example: {
    recording: 'demo',
    level: 'error',
    cause: 'gogc_off',
    confidence: 0.99,
    causeConfidence: 0.99,
    service: 'payment',
    instance: '80adfe11-ee44-4b26-af88-c8bf9da13d20',
    operation: null,
    occurrences: 3,
    population: 6,
    message:
      'The garbage collector of payment (80adfe11-ee44-4b26-af88-c8bf9da13d20) is switched off (GOGC=off) and no memory limit is set: the heap only grows until the process is killed.',
    values: { signal_source: 'prometheus' },
  },
}
