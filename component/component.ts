import type { Meter } from '@opentelemetry/api'
import type { ZodType } from 'zod'
import type { ExporterLedger, PipelineLedger, ReceiverLedger } from '../telemetry/ledger.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { BatchOf } from './batch.ts'
import type { ByteBudget } from './budget.ts'
import type { Clock } from './clock.ts'
import type { Consumer } from './consumer.ts'
import type { FindingSink } from './finding.ts'
import type { Overload } from './overload.ts'
import type { Signal } from './signal.ts'

export const COMPONENT_KINDS = ['receiver', 'processor', 'exporter', 'connector', 'extension'] as const
export type ComponentKind = (typeof COMPONENT_KINDS)[number]

/** What code gives a component: everything that is not its own and not the user's to set. Nothing is global. */
export interface Settings {
  /** `type` or `type/name`, as in the configuration. */
  readonly id: string
  readonly clock: Clock
  readonly logger: Logger
  /** For the component's own metrics, beyond the ledger; names as the Collector's where it has them. */
  readonly meter: Meter
  readonly budget: ByteBudget
  readonly findings: FindingSink
  /** How much is to be analysed; absent where nothing is ever shed, as in `replay`. */
  readonly overload?: Overload
  /**
   * True where the input is a recording: it begins and ends between traces, so that nothing was on its way before. Live
   * (absent or false) parts of the first traces may have gone another way.
   */
  readonly recorded?: boolean
  /** True where nobody gets what leaves the pipelines, as in a replay without an output: nothing is said on its spans. */
  readonly unread?: boolean
}

export interface ReceiverSettings extends Settings {
  readonly ledgers: Readonly<Record<Signal, ReceiverLedger>>
}

export interface ProcessorSettings<S extends Signal = Signal> extends Settings {
  readonly signal: S
  /** The id of the pipeline: a processor that several pipelines name is made for each of them. */
  readonly pipeline: string
  readonly ledger: PipelineLedger
}

export interface ExporterSettings extends Settings {
  readonly ledgers: Readonly<Record<Signal, ExporterLedger>>
}

/**
 * Started from exporters to receivers, stopped from receivers to exporters. `stop` hands on or sends all that is held,
 * as far as `deadlineMs` (a time of the clock) allows, and resolves when nothing more will come.
 */
export interface Component {
  /** Rejects with a GatewayError `start_failed` that says what to change. */
  start(): Promise<void>
  stop(deadlineMs: number): Promise<void>
}

/** The next stage for each signal; absent where no pipeline uses the receiver for it. */
export type NextBySignal = { readonly [S in Signal]?: Consumer<BatchOf<S>> }

export type Processor<S extends Signal = Signal> = Component & Consumer<BatchOf<S>>

/** One exporter serves all pipelines that name it: it takes the batches of every signal of its factory. */
export type Exporter = Component & Consumer

interface FactoryBase<K extends ComponentKind, C> {
  readonly kind: K
  /** The type in ids. */
  readonly type: string
  /** Older names that mean the same. */
  readonly aliases: readonly string[]
  /** One sentence for `blindspot components` and the docs. */
  readonly description: string
  readonly signals: readonly Signal[]
  /** A strict object with a description and a default for every field: validation, JSON Schema and docs come from it. */
  readonly config: ZodType<C>
}

export interface ReceiverFactory<C = unknown> extends FactoryBase<'receiver', C> {
  create(settings: ReceiverSettings, config: C, next: NextBySignal): Component
}

export interface ProcessorFactory<C = unknown> extends FactoryBase<'processor', C> {
  /** A processor that only works on whole traces needs a `trace_window` before it. */
  readonly needsTraceWindow: boolean
  /** One function for each signal in `signals`. */
  readonly create: {
    readonly [S in Signal]?: (settings: ProcessorSettings<S>, config: C, next: Consumer<BatchOf<S>>) => Processor<S>
  }
}

export interface ExporterFactory<C = unknown> extends FactoryBase<'exporter', C> {
  create(settings: ExporterSettings, config: C): Exporter
  /** A file that no other exporter may write, as an absolute path; left out where there is none. */
  fileOf?(config: C): string
}

export interface ExtensionFactory<C = unknown> extends FactoryBase<'extension', C> {
  create(settings: Settings, config: C): Component
}

/** A factory whose configuration is its own affair: only its schema makes a value that its `create` takes. */
type Erased<F extends { readonly config: unknown }> = Omit<F, 'config'> & { readonly config: ZodType }

export type AnyReceiverFactory = Erased<ReceiverFactory<never>>
export type AnyProcessorFactory = Erased<ProcessorFactory<never>>
export type AnyExporterFactory = Erased<ExporterFactory<never>>
export type AnyExtensionFactory = Erased<ExtensionFactory<never>>
export type AnyFactory = AnyReceiverFactory | AnyProcessorFactory | AnyExporterFactory | AnyExtensionFactory
