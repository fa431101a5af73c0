import { randomUUID } from 'node:crypto'
import type { Component, NextBySignal, ReceiverFactory, ReceiverSettings } from '../../component/component.ts'
import { GatewayError } from '../../component/errors.ts'
import { configSchema, type FindingsReceiverConfig } from './config.ts'
import { LogsFeed } from './logs-feed.ts'
import { MetricsFeed } from './metrics-feed.ts'

/**
 * Brings what detectors find into pipelines: derived metrics at an interval, finding events as they happen. Detectors and
 * this receiver share the registry of findings in settings; they need not be in the same pipeline.
 */
class FindingsReceiver implements Component {
  readonly #settings: ReceiverSettings
  readonly #feeds: readonly (MetricsFeed | LogsFeed)[]

  constructor(settings: ReceiverSettings, config: FindingsReceiverConfig, next: NextBySignal) {
    this.#settings = settings
    const { source } = settings.findings
    const resource = { 'service.instance.id': randomUUID(), ...config.resource }
    this.#feeds = [
      ...(source && next.metrics ? [new MetricsFeed(settings, config, resource, source, next.metrics)] : []),
      ...(source && next.logs ? [new LogsFeed(settings, config, resource, source, next.logs)] : []),
    ]
  }

  async start(): Promise<void> {
    if (this.#settings.findings.source === undefined)
      throw new GatewayError('start_failed', `${this.#settings.id}: this gateway keeps no findings to read`, {
        retryable: false,
      })
    for (const feed of this.#feeds) feed.start()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#feeds.map((feed) => feed.stop()))
  }
}

export const factory: ReceiverFactory<FindingsReceiverConfig> = {
  kind: 'receiver',
  type: 'findings',
  aliases: [],
  description: 'Brings findings into pipelines: derived metrics, and an event for each finding that opens or changes.',
  signals: ['metrics', 'logs'],
  config: configSchema,
  create: (settings, config, next) => new FindingsReceiver(settings, config, next),
}
