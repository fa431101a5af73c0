import type { AnyFactory } from '../../component/component.ts'
import { SIGNALS } from '../../component/signal.ts'
import type { GatewayConfig } from '../config/gateway-config.ts'
import { loadConfig } from '../config/load.ts'

/** Processors that find nothing themselves; all others are detectors. */
const NO_DETECTORS: readonly string[] = ['batch', 'memory_limiter', 'trace_window']

/** Whether a processor looks for findings. */
export function isDetector(factory: AnyFactory): boolean {
  return factory.kind === 'processor' && !NO_DETECTORS.includes(factory.type)
}

/**
 * What `replay` runs without `--config`: every detector there is, in the order of the registry and with its defaults, and
 * a trace window before those of traces. Receivers and exporters are only there to make it a configuration.
 */
export function builtInConfig(factories: readonly AnyFactory[]): GatewayConfig {
  const detectors = factories.filter(isDetector)
  const processors = ['trace_window', ...detectors.map((factory) => factory.type)]
  const pipelines = SIGNALS.map((signal) => {
    const own = detectors.filter((factory) => factory.signals.includes(signal)).map((factory) => factory.type)
    const list = signal === 'traces' ? ['trace_window', ...own] : own
    return `    ${signal}: { receivers: [otlp], processors: [${list.join(', ')}], exporters: [nop] }`
  })
  const yaml = [
    'receivers: { otlp: { protocols: { grpc: {} } } }',
    'processors:',
    ...processors.map((type) => `  ${type}: {}`),
    'exporters: { nop: {} }',
    'service:',
    '  pipelines:',
    ...pipelines,
  ]
  return loadConfig({ uris: [`yaml:${yaml.join('\n')}`], factories, env: {} })
}
