import type { ByteBudget } from '../component/budget.ts'
import { type Clock, SystemClock } from '../component/clock.ts'
import { GatewayError } from '../component/errors.ts'
import { Overload } from '../component/overload.ts'
import { ITEM_NAMES, SIGNALS } from '../component/signal.ts'
import { FindingRegistry } from '../findings/registry.ts'
import { type LedgerBook, observeLedgers } from '../telemetry/ledger-metrics.ts'
import type { Logger } from '../telemetry/logger.ts'
import { OwnMetrics } from '../telemetry/own-metrics.ts'
import { createLogger } from '../telemetry/pino-logger.ts'
import { observeProcess } from '../telemetry/process-metrics.ts'
import { createBudget } from './budget-limit.ts'
import type { GatewayConfig } from './config/gateway-config.ts'
import { findingsOptions } from './findings-config.ts'
import { Gateway } from './graph/gateway.ts'
import { eventLoopDelaySampler, OverloadWatch } from './overload-watch.ts'
import { ownMetricsOptions } from './own-metrics-config.ts'

/** What the last figures about the gateway itself get, when its data has needed all of `service.shutdown_timeout`. */
const LAST_FIGURES_MS = 500

export interface ServiceOptions {
  readonly version: string
  /** Instead of the one that the configuration describes. */
  readonly logger?: Logger
  readonly clock?: Clock
}

/** A gateway that lives: its graph, and around it the log, the own metrics, the byte budget and the findings. */
export class Service {
  readonly config: GatewayConfig
  readonly logger: Logger
  readonly budget: ByteBudget
  readonly findings: FindingRegistry
  readonly ownMetrics: OwnMetrics
  readonly gateway: Gateway
  readonly #clock: Clock
  readonly #watch: OverloadWatch

  private constructor(config: GatewayConfig, options: ServiceOptions, ownMetrics: OwnMetrics) {
    const { telemetry, limit_mib } = config.service
    this.config = config
    this.#clock = options.clock ?? new SystemClock()
    this.logger =
      options.logger ??
      createLogger({
        level: telemetry.logs.level,
        encoding: telemetry.logs.encoding,
        initialFields: telemetry.logs.initial_fields,
      })
    this.budget = createBudget(limit_mib)
    const shared = { clock: this.#clock, logger: this.logger }
    this.findings = new FindingRegistry({ ...shared, ...findingsOptions(config.service.findings) })
    this.ownMetrics = ownMetrics
    const overload = new Overload()
    this.#watch = new OverloadWatch(overload, eventLoopDelaySampler(), shared)
    const { budget, findings } = this
    this.gateway = new Gateway(config, { ...shared, meter: this.ownMetrics.meter, budget, findings, overload })
    observeLedgers(this.ownMetrics.meter, ledgerBook(this.gateway))
    observeProcess(this.ownMetrics.meter, {
      budget,
      degradationStage: () => this.#watch.stageIndex,
      eventLoopDelayMs: () => this.#watch.delayMs,
    })
  }

  static async create(config: GatewayConfig, options: ServiceOptions): Promise<Service> {
    return new Service(
      config,
      options,
      await OwnMetrics.create(ownMetricsOptions(config.service.telemetry, options.version)),
    )
  }

  /** Rejects with a GatewayError `start_failed` that says what to change; then nothing is left running. */
  async start(): Promise<void> {
    try {
      await this.ownMetrics.start()
      await this.gateway.start()
    } catch (error) {
      await this.ownMetrics.stop(0)
      this.findings.close()
      throw error instanceof GatewayError ? error : startFailed(error)
    }
    this.#watch.start()
  }

  /** Sends on what is held, for as long as `service.shutdown_timeout` allows. */
  async stop(): Promise<void> {
    this.#watch.stop()
    const deadlineMs = this.#clock.nowMs() + this.config.service.shutdown_timeout
    await this.gateway.stop(deadlineMs)
    this.findings.close()
    await this.ownMetrics.stop(Math.max(LAST_FIGURES_MS, deadlineMs - this.#clock.nowMs()))
  }
}

/** The ledgers that are in use: one for each signal that a pipeline brings to the component. */
export function ledgerBook(gateway: Gateway): LedgerBook {
  return {
    receivers: gateway.receivers.flatMap(({ id, ledgers, signals }) =>
      signals.map((signal) => ({ id, signal, items: ITEM_NAMES[signal], ledger: ledgers[signal] })),
    ),
    pipelines: SIGNALS.flatMap((signal) =>
      gateway.chains
        .filter((chain) => chain.pipeline.signal === signal)
        .map(({ pipeline, ledger, stages }) => ({ id: pipeline.id, signal, ledger, stages })),
    ),
    exporters: gateway.exporters.flatMap(({ id, ledgers, signals }) =>
      signals.map((signal) => ({ id, signal, items: ITEM_NAMES[signal], ledger: ledgers[signal] })),
    ),
  }
}

function startFailed(error: unknown): GatewayError {
  const { code, address, port } = error as { code?: string; address?: string; port?: number }
  const message =
    code === 'EADDRINUSE'
      ? `${address}:${port} is taken by another program; set service.telemetry.metrics.address to a free one`
      : `the gateway could not start: ${error instanceof Error ? error.message : String(error)}`
  return new GatewayError('start_failed', message, { retryable: false, cause: error })
}
