/** The four OTLP signals, in the order in which pipelines, metrics and messages list them. */
export const SIGNALS = ['traces', 'metrics', 'logs', 'profiles'] as const
export type Signal = (typeof SIGNALS)[number]

/** What one item of a signal is called in metric names and messages, as in the Collector. */
export const ITEM_NAMES = {
  traces: 'spans',
  metrics: 'metric_points',
  logs: 'log_records',
  profiles: 'profiles',
} as const satisfies Record<Signal, string>
