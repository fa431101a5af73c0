import type { MetricPoint } from '../../otlp/metrics/metric-point.ts'

/** What rules read, whoever sends it. Each value has one meaning; infinity is "none". */
export type GoSignal =
  /** GOGC in percent; infinite when collection by growth is off. */
  | 'gogc'
  /** GOMEMLIMIT in bytes; infinite when none is set. */
  | 'memory_limit'
  /** Heap size at which the next collection starts, in bytes; infinite when none will. */
  | 'heap_goal'

/** Who sent a value; attribute `blindspot.signal.source`. */
export type SignalSource = 'otel_sdk' | 'obi' | 'prometheus'

interface Reading {
  readonly signal: GoSignal
  /** Null for what the runtime cannot have said. */
  readonly normalise: (value: number) => number | null
}

/** The metrics that carry signals: OpenTelemetry's names, and those of the Prometheus client for Go. */
const READINGS: ReadonlyMap<string, Reading> = new Map([
  ['go.config.gogc', { signal: 'gogc', normalise: percent }],
  ['go.memory.limit', { signal: 'memory_limit', normalise: bytes }],
  ['go.memory.gc.goal', { signal: 'heap_goal', normalise: bytes }],
  ['go_gc_gogc_percent', { signal: 'gogc', normalise: percent }],
  ['go_gc_gomemlimit_bytes', { signal: 'memory_limit', normalise: bytes }],
  ['go_gc_heap_goal_bytes', { signal: 'heap_goal', normalise: bytes }],
  ['go_memstats_next_gc_bytes', { signal: 'heap_goal', normalise: bytes }],
])

/** Metrics that only show that a Go process is there, so that what it does not send can be named. */
const SIGNS_OF_GO: ReadonlySet<string> = new Set([
  'go.memory.used',
  'go.goroutine.count',
  'go_goroutines',
  'go_memstats_alloc_bytes',
  'process.runtime.go.goroutines',
])

/** The same of any language: only the resource tells whether it is Go. */
const SIGNS_OF_A_SERVICE: ReadonlySet<string> = new Set([
  'http.server.request.duration',
  'http.client.request.duration',
  'rpc.server.call.duration',
  'rpc.server.duration',
])

export const METRIC_NAMES: readonly string[] = [...READINGS.keys(), ...SIGNS_OF_GO, ...SIGNS_OF_A_SERVICE]

export function readingOf(metric: string): Reading | undefined {
  return READINGS.get(metric)
}

export function isFromGo(point: MetricPoint): boolean {
  if (READINGS.has(point.name) || SIGNS_OF_GO.has(point.name)) return true
  return point.resource.attributes.get('telemetry.sdk.language') === 'go'
}

export function sourceOf(point: MetricPoint): SignalSource {
  if (point.name.startsWith('go_')) return 'prometheus'
  const { attributes } = point.resource
  const makers = [attributes.get('telemetry.distro.name'), attributes.get('telemetry.sdk.name'), point.scope.name]
  return makers.some((maker) => /ebpf|beyla|\bobi\b/i.test(String(maker ?? ''))) ? 'obi' : 'otel_sdk'
}

/** Doubles are exact up to here; no heap and no percentage of this world is larger. */
const BEYOND_ANY_PERCENT = 2 ** 53
const BEYOND_ANY_HEAP = 2 ** 60

/**
 * The runtime says off as uint64(int32(-1)): OpenTelemetry clamps that to 2^63 − 1, Prometheus has 1.8446744073709552e19,
 * and as a signed number it is −1.
 */
function percent(value: number): number | null {
  if (value === -1 || (value >= BEYOND_ANY_PERCENT && value <= 2 ** 64)) return Number.POSITIVE_INFINITY
  return Number.isInteger(value) && value >= 0 && value < 2 ** 31 ? value : null
}

/** No limit is 2^63 − 1; without limit and percentage the goal is a little less than that. */
function bytes(value: number): number | null {
  if (!(value > 0 && value <= 2 ** 64)) return null
  return value >= BEYOND_ANY_HEAP ? Number.POSITIVE_INFINITY : value
}
