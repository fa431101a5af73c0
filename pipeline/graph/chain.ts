import type { Batch } from '../../component/batch.ts'
import type { AnyProcessorFactory, Component, ProcessorSettings, Settings } from '../../component/component.ts'
import type { Consumer, Outcome } from '../../component/consumer.ts'
import type { Signal } from '../../component/signal.ts'
import { PipelineLedger } from '../../telemetry/ledger.ts'
import type { Configured, PipelineConfig } from '../config/gateway-config.ts'
import { StageEdge } from './stage-edge.ts'

/** What every component gets, but for what is its own. */
export type Runtime = Omit<Settings, 'id'>

export interface Stage {
  readonly id: string
  readonly processor: Component & Consumer
  readonly incoming: StageEdge
  readonly outgoing: StageEdge
}

/** The processors of one pipeline, in order, between a way in and a way out. */
export class Chain implements Consumer {
  readonly pipeline: PipelineConfig
  readonly ledger: PipelineLedger
  readonly stages: readonly Stage[]
  readonly #first: Consumer

  private constructor(pipeline: PipelineConfig, ledger: PipelineLedger, stages: readonly Stage[], first: Consumer) {
    this.pipeline = pipeline
    this.ledger = ledger
    this.stages = stages
    this.#first = first
  }

  /** Builds the processors from the last to the first; `exit` makes the consumer behind the last. */
  static build(
    pipeline: PipelineConfig,
    processors: ReadonlyMap<string, Configured<AnyProcessorFactory>>,
    runtime: Runtime,
    exit: (ledger: PipelineLedger) => Consumer,
  ): Chain {
    const ledger = new PipelineLedger()
    const stages: Stage[] = []
    let outgoing = new StageEdge(exit(ledger), 'an exporter', runtime.logger, runtime.clock)
    for (const id of pipeline.processors.toReversed()) {
      const { factory, config } = processors.get(id)!
      const logger = runtime.logger.child({ component: id, pipeline: pipeline.id })
      const { signal } = pipeline
      const settings: ProcessorSettings = { ...runtime, id, logger, signal, pipeline: pipeline.id, ledger }
      const processor = creatorOf(factory, signal)(settings, config, outgoing)
      const incoming = new StageEdge(processor, `processor "${id}"`, logger, runtime.clock)
      stages.unshift({ id, processor, incoming, outgoing })
      outgoing = incoming
    }
    return new Chain(pipeline, ledger, stages, outgoing)
  }

  consume(batch: Batch): Outcome | Promise<Outcome> {
    return this.#first.consume(batch)
  }

  async start(): Promise<void> {
    for (const { processor } of this.stages.toReversed()) await processor.start()
  }

  /** From the first to the last, so that each can hand on what it holds. */
  async stop(deadlineMs: number): Promise<void> {
    for (const { processor } of this.stages) await processor.stop(deadlineMs)
  }
}

type Creator = (settings: ProcessorSettings, config: never, next: Consumer) => Component & Consumer

/** The check of the configuration has seen to it that there is one for the pipeline's signal. */
function creatorOf(factory: AnyProcessorFactory, signal: Signal): Creator {
  return factory.create[signal] as Creator
}
