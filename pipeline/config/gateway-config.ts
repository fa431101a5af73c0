import type {
  AnyExporterFactory,
  AnyExtensionFactory,
  AnyProcessorFactory,
  AnyReceiverFactory,
} from '../../component/component.ts'
import type { Signal } from '../../component/signal.ts'
import type { ConfigNode } from './node.ts'
import type { ConfigProblem } from './problems.ts'
import type { ServiceConfig } from './service-config.ts'

/** A component as configured: its factory, and the settings that its schema has checked and completed. */
export interface Configured<F> {
  readonly id: string
  readonly factory: F
  /** `never`, because only this factory's schema knows what it is: it fits `factory.create` and nothing else. */
  readonly config: never
}

export interface PipelineConfig {
  /** `traces`, `metrics/second`. */
  readonly id: string
  readonly signal: Signal
  readonly receivers: readonly string[]
  readonly processors: readonly string[]
  readonly exporters: readonly string[]
}

/** A configuration that can be run: everything in it is known, checked and complete. */
export interface GatewayConfig {
  readonly receivers: ReadonlyMap<string, Configured<AnyReceiverFactory>>
  readonly processors: ReadonlyMap<string, Configured<AnyProcessorFactory>>
  readonly exporters: ReadonlyMap<string, Configured<AnyExporterFactory>>
  readonly extensions: ReadonlyMap<string, Configured<AnyExtensionFactory>>
  readonly pipelines: readonly PipelineConfig[]
  readonly service: ServiceConfig
  /** As written, expanded and merged: for print-config. */
  readonly written: ConfigNode
  /** What is odd and does not stop it. */
  readonly warnings: readonly ConfigProblem[]
}
