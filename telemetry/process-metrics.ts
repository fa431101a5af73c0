import type { BatchObservableResult, Meter, Observable } from '@opentelemetry/api'

/** What the process tells about itself besides memory and CPU; functions, because each is read when it is asked for. */
export interface Vitals {
  readonly budget: {
    readonly usedBytes: number
    readonly limitBytes: number
    readonly peakBytes: number
    readonly refusals: number
    readonly memory: { readonly freeBytes: number }
  }
  /** Index of the overload stage, 0 is full analysis. */
  readonly degradationStage: () => number
  /** The 99th percentile of the event loop's delay over the last interval. */
  readonly eventLoopDelayMs: () => number
}

/** The gateway as a process: the Collector's names where it has the figure, `blindspot.*` for the rest. */
export function observeProcess(meter: Meter, vitals: Vitals): void {
  const startedSeconds = performance.now() / 1000 - process.uptime()
  const readings: [Observable, () => number][] = [
    [
      meter.createObservableCounter('otelcol_process_cpu_seconds', {
        unit: 's',
        description: 'CPU time of the process, user and system.',
      }),
      () => {
        const { user, system } = process.cpuUsage()
        return (user + system) / 1e6
      },
    ],
    [
      meter.createObservableCounter('otelcol_process_uptime', {
        unit: 's',
        description: 'Time since the process started.',
      }),
      () => performance.now() / 1000 - startedSeconds,
    ],
    [
      meter.createObservableGauge('otelcol_process_memory_rss', {
        unit: 'By',
        description: 'Resident memory of the process.',
      }),
      () => process.memoryUsage.rss(),
    ],
    [
      meter.createObservableGauge('otelcol_process_runtime_heap_alloc_bytes', {
        unit: 'By',
        description: 'Heap of V8 in use.',
      }),
      () => process.memoryUsage().heapUsed,
    ],
    [
      meter.createObservableGauge('otelcol_process_runtime_total_sys_memory_bytes', {
        unit: 'By',
        description: 'Memory taken from the system: heap of V8 and buffers beside it.',
      }),
      () => {
        const { heapTotal, external } = process.memoryUsage()
        return heapTotal + external
      },
    ],
    [
      meter.createObservableGauge('blindspot.budget.used', {
        unit: 'By',
        description: 'Bytes of the budget in use: requests in flight, held and queued.',
      }),
      () => vitals.budget.usedBytes,
    ],
    [
      meter.createObservableGauge('blindspot.budget.limit', {
        unit: 'By',
        description: 'The byte budget, service.limit_mib.',
      }),
      () => vitals.budget.limitBytes,
    ],
    [
      meter.createObservableGauge('blindspot.budget.peak', {
        unit: 'By',
        description: 'The most of the budget that was ever in use.',
      }),
      () => vitals.budget.peakBytes,
    ],
    [
      meter.createObservableGauge('blindspot.budget.reusable', {
        unit: 'By',
        description:
          'Memory that was given back and is kept for the next requests; with what is in use, within the limit.',
      }),
      () => vitals.budget.memory.freeBytes,
    ],
    [
      meter.createObservableCounter('blindspot.budget.refusals', {
        unit: '{refusal}',
        description: 'Reservations refused because the budget was spent.',
      }),
      () => vitals.budget.refusals,
    ],
    [
      meter.createObservableGauge('blindspot.event_loop.delay', {
        unit: 's',
        description: 'The 99th percentile of the event loop delay in the last interval.',
      }),
      () => vitals.eventLoopDelayMs() / 1000,
    ],
    [
      meter.createObservableGauge('blindspot.degradation.stage', {
        description:
          'How far analysis is shed because the event loop falls behind: 0 none, 1 half the traces, 2 nine in ten, 3 all.',
      }),
      vitals.degradationStage,
    ],
  ]
  meter.addBatchObservableCallback(
    (result: BatchObservableResult) => {
      for (const [observable, read] of readings) result.observe(observable, read())
    },
    readings.map(([observable]) => observable),
  )
}
