import type { Attributes, Meter } from '@opentelemetry/api'

/** What the gateway says of a window in its own metrics. */
export interface WindowFigures {
  readonly traces: () => number
  readonly spans: () => number
  readonly retainedBytes: () => number
  readonly lateGraceSeconds: () => number
  readonly shedTraces: () => number
  readonly evictedTraces: () => number
}

/** `labels` tell this window from those of other pipelines. */
export function observeWindow(meter: Meter, labels: Attributes, figures: WindowFigures): void {
  const { traces, spans, retainedBytes, lateGraceSeconds, shedTraces, evictedTraces } = figures
  const gauge = (name: string, unit: string, description: string, read: () => number) =>
    meter.createObservableGauge(name, { unit, description }).addCallback((result) => result.observe(read(), labels))
  const counter = (name: string, unit: string, description: string, read: () => number) =>
    meter.createObservableCounter(name, { unit, description }).addCallback((result) => result.observe(read(), labels))
  gauge('blindspot.window.traces', '{trace}', 'Traces that wait for more spans.', traces)
  gauge('blindspot.window.spans', '{span}', 'Spans that wait.', spans)
  gauge('blindspot.window.retained', 'By', 'Bytes of requests that waiting spans retain.', retainedBytes)
  gauge(
    'blindspot.window.late_grace',
    's',
    'How far back late spans are recognised; less than configured when late_max_bytes cut it.',
    lateGraceSeconds,
  )
  counter(
    'blindspot.window.shed',
    '{trace}',
    'Traces that went past the detectors because the gateway was overloaded.',
    shedTraces,
  )
  counter(
    'blindspot.window.evictions',
    '{trace}',
    'Traces that left early, unjudged, because a limit was reached.',
    evictedTraces,
  )
}
