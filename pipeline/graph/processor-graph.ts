import type { NextBySignal } from '../../component/component.ts'
import type { Consumer } from '../../component/consumer.ts'
import { SIGNALS, type Signal } from '../../component/signal.ts'
import type { GatewayConfig, PipelineConfig } from '../config/gateway-config.ts'
import { Branch, NO_BOOKS } from './branch.ts'
import { Chain, type Runtime } from './chain.ts'
import { FanOut } from './fan-out.ts'
import { EntryBooks, ExitBooks } from './pipeline-books.ts'

/**
 * The processors of some pipelines and nothing else, for `replay`: no receiver, exporter, connector or extension is built
 * and no socket opened. Batches are fed by hand through `next`; what comes out of a pipeline goes to the sink that
 * `sinkOf` makes for it. All time is the clock's in `runtime`.
 */
export class ProcessorGraph {
  /** Where to feed each signal that one of the pipelines takes. */
  readonly next: NextBySignal
  readonly chains: readonly Chain[]

  constructor(
    pipelines: readonly PipelineConfig[],
    processors: GatewayConfig['processors'],
    runtime: Runtime,
    sinkOf: (pipeline: PipelineConfig) => Consumer,
  ) {
    this.chains = pipelines.map((pipeline) => {
      const sink = new Branch('the sink', sinkOf(pipeline), NO_BOOKS, runtime)
      return Chain.build(pipeline, processors, runtime, (ledger) => new FanOut([sink], new ExitBooks(ledger), false))
    })
    const next: { [S in Signal]?: Consumer } = {}
    for (const signal of SIGNALS) {
      const branches = this.chains
        .filter(({ pipeline }) => pipeline.signal === signal)
        .map((chain) => new Branch(`pipeline "${chain.pipeline.id}"`, chain, new EntryBooks(chain.ledger), runtime))
      if (branches.length > 0) next[signal] = new FanOut(branches, NO_BOOKS, true)
    }
    this.next = next as NextBySignal
  }

  async start(): Promise<void> {
    for (const chain of this.chains) await chain.start()
  }

  /** Hands on all that the processors hold. */
  async stop(deadlineMs: number): Promise<void> {
    for (const chain of this.chains) await chain.stop(deadlineMs)
  }
}
