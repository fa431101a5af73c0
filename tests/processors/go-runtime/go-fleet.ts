import { BytesBatch } from '../../../component/batch.ts'
import { VirtualClock } from '../../../component/clock.ts'
import { ACCEPTED } from '../../../component/consumer.ts'
import type { Finding } from '../../../component/finding-source.ts'
import { FindingRegistry } from '../../../findings/registry.ts'
import { countItems } from '../../../otlp/count-items.ts'
import { Source } from '../../../otlp/source.ts'
import { configSchema } from '../../../processors/go-runtime/config.ts'
import { factory } from '../../../processors/go-runtime/go-runtime.ts'
import { SILENT_LOGGER } from '../../../telemetry/logger.ts'
import { metricsRequest, type ServiceMetrics } from '../../support/otlp-builder.ts'
import type { OtlpJson } from '../../support/otlp-oracle.ts'
import { TEST_START_MS, testProcessorSettings } from '../../support/test-settings.ts'

/** GOGC=off, as the OpenTelemetry instrumentation and as the Prometheus client send it. */
export const OFF = '9223372036854775807'
export const PROMETHEUS_OFF = 1.8446744073709552e19
/** The heap goal of a process without percentage and without limit, and of one with GOMEMLIMIT=512MiB. */
export const NO_GOAL = '9223372036844815616'
export const GOAL_BELOW_512_MIB = 526_967_792
export const MIB_512 = 536_870_912

const CONTRIB = { name: 'go.opentelemetry.io/contrib/instrumentation/runtime' }

export type Numbers = Readonly<Record<string, number | string>>

export interface ExportOptions {
  readonly service?: string
  readonly instance?: string
  readonly resource?: Readonly<Record<string, string | number>>
  readonly scope?: { readonly name: string }
  readonly flags?: number
}

/**
 * The processor with a registry behind it; `export` sends what one process exports at a time, as non-monotonic sums (a
 * string is an exact integer) or, for Prometheus names, as gauges of doubles.
 */
export async function goFleet(config: Record<string, unknown> = {}) {
  const clock = new VirtualClock(TEST_START_MS)
  const findings = new FindingRegistry({ clock, logger: SILENT_LOGGER })
  const settings = { ...testProcessorSettings('go_runtime', 'metrics', { clock }), findings }
  const passed: Uint8Array[] = []
  const processor = factory.create.metrics!(settings, configSchema.parse(config), {
    consume(batch) {
      passed.push(batch.encode())
      return ACCEPTED
    },
  })
  await processor.start()

  const send = (bytes: Uint8Array) => {
    const items = countItems('metrics', bytes) as number
    return processor.consume(new BytesBatch('metrics', new Source(bytes), items))
  }
  const exportFrom = (numbers: Numbers, options: ExportOptions = {}) => {
    const { service = 'cart', instance = 'cart-1', resource, scope = CONTRIB, flags } = options
    const timeUnixNano = String(clock.nowUnixNano())
    const metrics = Object.entries(numbers).map(([name, value]) => metricJson(name, value, timeUnixNano, flags))
    const identity = { ...(instance !== '' && { 'service.instance.id': instance }), ...resource }
    const request: ServiceMetrics = { service, scope, metrics, resource: identity }
    send(metricsRequest([request]))
  }
  /** Every minute, as an SDK does. */
  const exportEveryMinute = (times: number, numbers: Numbers, options: ExportOptions = {}) => {
    for (let i = 0; i < times; i++) {
      exportFrom(numbers, options)
      clock.advanceBy(60_000)
    }
  }
  const section = <K extends 'resources' | 'notEvaluable'>(name: K) =>
    findings.sections().flatMap((sections) => (sections[name]?.() ?? []) as never[])
  return {
    clock,
    findings,
    passed,
    send,
    exportFrom,
    exportEveryMinute,
    found: (): readonly Finding[] => findings.findings(),
    resources: () => section('resources'),
    notEvaluable: () => section('notEvaluable'),
    limits: () => Object.assign({}, ...findings.sections().map((sections) => sections.limits?.() ?? {})),
    stop: () => processor.stop(clock.nowMs()),
  }
}

function metricJson(name: string, value: number | string, timeUnixNano: string, flags?: number): OtlpJson {
  const number = typeof value === 'string' ? { asInt: value } : { asDouble: value }
  const dataPoints = [{ timeUnixNano, ...number, ...(flags !== undefined && { flags }) }]
  if (name.startsWith('go_')) return { name, gauge: { dataPoints } }
  return { name, sum: { dataPoints, aggregationTemporality: 2, isMonotonic: false } }
}
