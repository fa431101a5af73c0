import type { Batch } from '../../component/batch.ts'
import type { AnyReceiverFactory, Component, Exporter, NextBySignal } from '../../component/component.ts'
import type { Consumer } from '../../component/consumer.ts'
import { SIGNALS, type Signal } from '../../component/signal.ts'
import { ExporterLedger, ReceiverLedger } from '../../telemetry/ledger.ts'
import { RareLines } from '../../telemetry/rare-lines.ts'
import type { Configured, GatewayConfig, PipelineConfig } from '../config/gateway-config.ts'
import { Branch, NO_BOOKS } from './branch.ts'
import { Chain, type Runtime } from './chain.ts'
import { FanOut } from './fan-out.ts'
import { EntryBooks, ExitBooks } from './pipeline-books.ts'
import { Unawaited } from './unawaited.ts'

/** Receivers whose data the gateway makes itself, out of what the other pipelines see: they stop after those. */
const OWN_SOURCES: readonly string[] = ['findings']

export interface ReceiverNode {
  readonly id: string
  readonly type: string
  readonly component: Component
  readonly ledgers: Readonly<Record<Signal, ReceiverLedger>>
  /** The signals of the pipelines that name it. */
  readonly signals: readonly Signal[]
  readonly fanOuts: readonly FanOut[]
}

export interface ExporterNode {
  readonly id: string
  readonly component: Exporter
  readonly ledgers: Readonly<Record<Signal, ExporterLedger>>
  /** The signals of the pipelines that name it. */
  readonly signals: readonly Signal[]
}

interface PipelineNode {
  readonly chain: Chain
  readonly exit: FanOut
  /** Set for a pipeline that only analyses. */
  readonly unawaited: Unawaited | null
}

/**
 * Everything that a configuration runs: one receiver and one exporter for all pipelines that name it, processors of its
 * own for each pipeline. Starts from the exporters to the receivers and stops the other way round, so that at any moment
 * whoever is given data can take it.
 */
export class Gateway {
  readonly receivers: readonly ReceiverNode[]
  readonly exporters: readonly ExporterNode[]
  readonly chains: readonly Chain[]
  readonly extensions: readonly { readonly id: string; readonly component: Component }[]
  readonly #pipelines: readonly PipelineNode[]
  readonly #runtime: Runtime
  readonly #started: Component[] = []

  constructor(config: GatewayConfig, runtime: Runtime) {
    this.#runtime = runtime
    this.exporters = buildExporters(config, runtime)
    this.#pipelines = config.pipelines.map((pipeline) => buildPipeline(pipeline, config, runtime, this.exporters))
    this.chains = this.#pipelines.map((node) => node.chain)
    this.receivers = buildReceivers(config, runtime, this.#pipelines)
    this.extensions = config.service.extensions.map((id) => {
      const { factory, config: own } = config.extensions.get(id)!
      return { id, component: factory.create({ ...runtime, id, logger: runtime.logger.child({ component: id }) }, own) }
    })
  }

  /** Rejects with what stood in the way; what had been started is stopped again. */
  async start(): Promise<void> {
    const order: Component[] = [
      ...this.extensions.map((node) => node.component),
      ...this.exporters.map((node) => node.component),
      ...this.chains,
      ...this.receivers.toSorted((a, b) => ownFirst(a) - ownFirst(b)).map((node) => node.component),
    ]
    try {
      for (const component of order) {
        // Before it starts, so that one that fails half way gives back what it took.
        this.#started.push(component)
        await component.start()
      }
    } catch (error) {
      const nowMs = this.#runtime.clock.nowMs()
      for (const component of this.#started.toReversed()) await this.#stopOne(component, nowMs)
      throw error
    }
  }

  /** Sends on all that is held, as far as the deadline allows. */
  async stop(deadlineMs: number): Promise<void> {
    const own = this.receivers.filter((node) => OWN_SOURCES.includes(node.type))
    const network = this.receivers.filter((node) => !own.includes(node))
    const fedByOwn = (node: PipelineNode) =>
      node.chain.pipeline.receivers.some((id) => own.some((receiver) => receiver.id === id))
    const drain = async () => {
      await this.#stopReceivers(network, deadlineMs)
      await this.#stopPipelines(
        this.#pipelines.filter((node) => !fedByOwn(node)),
        deadlineMs,
      )
      await this.#stopReceivers(own, deadlineMs)
      await this.#stopPipelines(this.#pipelines.filter(fedByOwn), deadlineMs)
    }
    // A stage may wait for the answer of an exporter that is still trying. Past the deadline the exporters stop beside
    // it: they answer whoever waits, and what they had not sent is counted where it was.
    const drained = drain()
    await Promise.race([drained, this.#reached(deadlineMs)])
    await Promise.all(this.exporters.map((node) => this.#stopOne(node.component, deadlineMs)))
    await drained
    await Promise.all(this.extensions.map((node) => this.#stopOne(node.component, deadlineMs)))
  }

  #reached(timeMs: number): Promise<void> {
    const { clock } = this.#runtime
    return new Promise((resolve) => clock.after(Math.max(0, timeMs - clock.nowMs()), resolve))
  }

  async #stopReceivers(receivers: readonly ReceiverNode[], deadlineMs: number): Promise<void> {
    await Promise.all(
      receivers.map(async (node) => {
        await this.#stopOne(node.component, deadlineMs)
        await Promise.all(node.fanOuts.map((fanOut) => fanOut.drain(deadlineMs)))
      }),
    )
  }

  async #stopPipelines(pipelines: readonly PipelineNode[], deadlineMs: number): Promise<void> {
    await Promise.all(
      pipelines.map(async (node) => {
        await node.unawaited?.drain()
        await this.#stopOne(node.chain, deadlineMs)
        await node.exit.drain(deadlineMs)
      }),
    )
  }

  /** One that fails to stop must not keep the others from sending what they hold. */
  async #stopOne(component: Component, deadlineMs: number): Promise<void> {
    try {
      await component.stop(deadlineMs)
    } catch (error) {
      this.#runtime.logger.error('a component did not stop as it should', { error })
    }
  }
}

function ownFirst(node: ReceiverNode): number {
  return OWN_SOURCES.includes(node.type) ? 0 : 1
}

function buildExporters(config: GatewayConfig, runtime: Runtime): ExporterNode[] {
  return usedIds(config.pipelines, 'exporters').map((id) => {
    const { factory, config: own } = config.exporters.get(id)!
    const ledgers = forSignals(() => new ExporterLedger())
    const logger = runtime.logger.child({ component: id })
    const component = factory.create({ ...runtime, id, logger, ledgers }, own)
    const signals = SIGNALS.filter((signal) =>
      config.pipelines.some((p) => p.signal === signal && p.exporters.includes(id)),
    )
    return { id, component, ledgers, signals }
  })
}

function buildPipeline(
  pipeline: PipelineConfig,
  config: GatewayConfig,
  runtime: Runtime,
  exporters: readonly ExporterNode[],
): PipelineNode {
  const branches = pipeline.exporters.map((id) => {
    const { component } = exporters.find((node) => node.id === id)!
    return new Branch(`exporter "${id}"`, component, NO_BOOKS, runtime)
  })
  let exit: FanOut | null = null
  const chain = Chain.build(pipeline, config.processors, runtime, (ledger) => {
    // Exporters do not edit, so all of them may have the same batch.
    exit = new FanOut(branches, new ExitBooks(ledger), false)
    return exit
  })
  const onlyAnalyses = pipeline.exporters.every((id) => config.exporters.get(id)!.factory.type === 'nop')
  const lines = new RareLines(runtime.logger, runtime.clock)
  const onDefect = (error: unknown) =>
    lines.error(`pipeline "${pipeline.id}" met a defect of the gateway; what it was given is not analysed`, {
      error,
    })
  return { chain, exit: exit!, unawaited: onlyAnalyses ? new Unawaited(chain, chain.ledger, onDefect) : null }
}

function buildReceivers(config: GatewayConfig, runtime: Runtime, pipelines: readonly PipelineNode[]): ReceiverNode[] {
  return usedIds(config.pipelines, 'receivers').map((id) => {
    const { factory, config: own }: Configured<AnyReceiverFactory> = config.receivers.get(id)!
    const ledgers = forSignals(() => new ReceiverLedger())
    const next: { [S in Signal]?: Consumer<Batch> } = {}
    const fanOuts: FanOut[] = []
    for (const signal of SIGNALS) {
      const fed = pipelines.filter(
        ({ chain }) => chain.pipeline.signal === signal && chain.pipeline.receivers.includes(id),
      )
      if (fed.length === 0) continue
      const branches = fed.map(({ chain, unawaited }) => {
        const name = `pipeline "${chain.pipeline.id}"`
        // A pipeline that only analyses counts for itself.
        return unawaited !== null
          ? new Branch(name, unawaited, NO_BOOKS, runtime)
          : new Branch(name, chain, new EntryBooks(chain.ledger), runtime)
      })
      const fanOut = new FanOut(branches, NO_BOOKS, true)
      next[signal] = fanOut
      fanOuts.push(fanOut)
    }
    const logger = runtime.logger.child({ component: id })
    const component = factory.create({ ...runtime, id, logger, ledgers }, own, next as NextBySignal)
    return { id, type: factory.type, component, ledgers, signals: SIGNALS.filter((signal) => next[signal]), fanOuts }
  })
}

/** In the order of the pipelines that name them. */
function usedIds(pipelines: readonly PipelineConfig[], list: 'receivers' | 'exporters'): string[] {
  return [...new Set(pipelines.flatMap((pipeline) => pipeline[list]))]
}

function forSignals<L>(make: () => L): Record<Signal, L> {
  return { traces: make(), metrics: make(), logs: make(), profiles: make() }
}
