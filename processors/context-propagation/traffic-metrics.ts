import type { CollectionResult, MetricProducer } from '@opentelemetry/sdk-metrics'
import type { EdgeRow } from '../../component/finding.ts'
import { CounterSeries } from '../../findings/series/number-series.ts'
import { SeriesProducer } from '../../findings/series/series-metric.ts'
import { SeriesTable } from '../../findings/series/series-table.ts'

const EDGE_CALLS = {
  name: 'blindspot.edge.calls',
  unit: '{call}',
  description: 'Calls between two services, and whether the trace goes on at the callee.',
}
const TRACES_COMPLETED = {
  name: 'blindspot.trace.completed',
  unit: '{trace}',
  description: 'Traces that left the window, and whether all of them was there.',
}

/** What the report and the metrics know of the traffic, as totals. */
export interface Traffic {
  edges(): readonly EdgeRow[]
  /** Traces by whether they were complete. */
  traces(): Readonly<Record<'true' | 'false' | 'unknown', number>>
}

/** The traffic as metrics; made from the totals when they are asked for. */
export class TrafficMetrics implements MetricProducer {
  readonly #traffic: Traffic
  readonly #maxSeries: number

  constructor(traffic: Traffic, maxSeries: number) {
    this.#traffic = traffic
    this.#maxSeries = maxSeries
  }

  collect(): Promise<CollectionResult> {
    return new SeriesProducer([this.#edgeCalls(), this.#tracesCompleted()]).collect()
  }

  #edgeCalls(): CounterSeries {
    const table = new SeriesTable(this.#maxSeries)
    const counter = new CounterSeries(EDGE_CALLS, table)
    for (const { from, to, boundary, calls, connected } of this.#traffic.edges()) {
      const add = (isConnected: boolean, count: number) => {
        const attributes = {
          'client.service.name': from,
          'server.service.name': to,
          'blindspot.boundary': boundary,
          'blindspot.connected': isConnected,
        }
        if (count > 0)
          counter.add(
            table.intern(JSON.stringify(attributes), () => attributes),
            count,
          )
      }
      add(true, connected)
      add(false, Math.round(calls - connected))
    }
    return counter
  }

  #tracesCompleted(): CounterSeries {
    const table = new SeriesTable(this.#maxSeries)
    const counter = new CounterSeries(TRACES_COMPLETED, table)
    for (const [complete, count] of Object.entries(this.#traffic.traces()))
      if (count > 0)
        counter.add(
          table.intern(complete, () => ({ 'blindspot.complete': complete })),
          count,
        )
    return counter
  }
}
