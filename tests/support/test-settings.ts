import { createNoopMeter } from '@opentelemetry/api'
import type { MetricProducer } from '@opentelemetry/sdk-metrics'
import { ByteBudget } from '../../component/budget.ts'
import { VirtualClock } from '../../component/clock.ts'
import type { ExporterSettings, ProcessorSettings, ReceiverSettings, Settings } from '../../component/component.ts'
import type { FindingReport, FindingSink, ReportSections } from '../../component/finding.ts'
import type { Signal } from '../../component/signal.ts'
import { ExporterLedger, PipelineLedger, ReceiverLedger } from '../../telemetry/ledger.ts'
import { SILENT_LOGGER } from '../../telemetry/logger.ts'

/** 2026-01-01T00:00:00Z, where the clock of a test stands at first. */
export const TEST_START_MS = Date.UTC(2026, 0, 1)

/** Keeps what detectors publish, in order. */
export class FindingProbe implements FindingSink {
  readonly evidenceLimit = 10
  readonly reports: FindingReport[] = []
  readonly sections: ReportSections[] = []
  readonly producers: MetricProducer[] = []

  publish(reports: readonly FindingReport[]): void {
    this.reports.push(...reports)
  }

  contribute(sections: ReportSections): () => void {
    this.sections.push(sections)
    return () => this.sections.splice(this.sections.indexOf(sections), 1)
  }

  addMetricProducer(producer: MetricProducer): () => void {
    this.producers.push(producer)
    return () => this.producers.splice(this.producers.indexOf(producer), 1)
  }
}

export type TestSettings = Settings & { readonly clock: VirtualClock; readonly findings: FindingProbe }

/** Settings with a clock that the test moves, a silent log and a generous budget. */
export function testSettings(id: string, overrides: Partial<Settings> = {}): TestSettings {
  return {
    id,
    clock: new VirtualClock(TEST_START_MS),
    logger: SILENT_LOGGER,
    meter: createNoopMeter(),
    budget: new ByteBudget(256 * 1024 * 1024),
    findings: new FindingProbe(),
    ...overrides,
  } as TestSettings
}

export function testReceiverSettings(id: string, overrides: Partial<Settings> = {}): TestSettings & ReceiverSettings {
  return { ...testSettings(id, overrides), ledgers: bySignal(() => new ReceiverLedger()) }
}

export function testProcessorSettings<S extends Signal>(
  id: string,
  signal: S,
  overrides: Partial<Settings> = {},
): TestSettings & ProcessorSettings<S> {
  return { ...testSettings(id, overrides), signal, pipeline: signal, ledger: new PipelineLedger() }
}

export function testExporterSettings(id: string, overrides: Partial<Settings> = {}): TestSettings & ExporterSettings {
  return { ...testSettings(id, overrides), ledgers: bySignal(() => new ExporterLedger()) }
}

function bySignal<L>(make: () => L): Record<Signal, L> {
  return { traces: make(), metrics: make(), logs: make(), profiles: make() }
}
