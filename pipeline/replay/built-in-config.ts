import type { AnyFactory, AnyProcessorFactory } from '../../component/component.ts'
import { SIGNALS } from '../../component/signal.ts'
import type { GatewayConfig } from '../config/gateway-config.ts'
import { serviceSchema } from '../config/service-config.ts'

/** What a replay uses of a configuration: neither receivers nor exporters are built. */
export type ReplayConfig = Pick<GatewayConfig, 'receivers' | 'processors' | 'pipelines' | 'service'>

/** Processors that find nothing themselves; all others are detectors. */
const NO_DETECTORS: readonly string[] = ['batch', 'memory_limiter', 'trace_window']

/** Whether a processor looks for findings. */
export function isDetector(factory: AnyFactory): boolean {
  return factory.kind === 'processor' && !NO_DETECTORS.includes(factory.type)
}

/**
 * What `replay` runs without `--config`: every detector there is, in the order of the registry and with its defaults, and
 * a trace window before those of traces.
 */
export function builtInConfig(factories: readonly AnyProcessorFactory[]): ReplayConfig {
  const used = factories.filter((factory) => factory.type === 'trace_window' || isDetector(factory))
  const pipelines = SIGNALS.map((signal) => ({
    id: signal,
    signal,
    receivers: ['recording'],
    // The window comes before all detectors in the registry too.
    processors: used.filter((factory) => factory.signals.includes(signal)).map((factory) => factory.type),
    exporters: [],
  }))
  return {
    receivers: new Map(),
    processors: new Map(used.map((factory) => [factory.type, configured(factory)])),
    pipelines,
    service: serviceSchema.parse({}),
  }
}

function configured(factory: AnyProcessorFactory) {
  return { id: factory.type, factory, config: factory.config.parse({}) as never }
}
