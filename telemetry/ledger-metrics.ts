import type { Attributes, BatchObservableResult, Meter, Observable } from '@opentelemetry/api'
import type { ExporterLedger, PipelineLedger, ReceiverLedger } from './ledger.ts'

/** All ledgers of a gateway, by who keeps them. `items` is the Collector's word in metric names: `spans`. */
export interface LedgerBook {
  readonly receivers: readonly { id: string; signal: string; items: string; ledger: ReceiverLedger }[]
  readonly pipelines: readonly { id: string; signal: string; ledger: PipelineLedger; stages: readonly StageCounts[] }[]
  readonly exporters: readonly { id: string; signal: string; items: string; ledger: ExporterLedger }[]
}

/** Items that went into a processor and out of it. */
export interface StageCounts {
  readonly id: string
  readonly incoming: { readonly items: number }
  readonly outgoing: { readonly items: number }
}

type Kind = 'counter' | 'level'

/** Reasons that are told from the start, at 0: who looks at the growth of a counter has to see where it began. */
const PIPELINE_DROPS = ['rejected', 'shutdown', 'shed']
const EXPORTER_DROPS = ['shutdown']

/**
 * Tells the ledgers as metrics: under the Collector's names what it counts too, under `blindspot.*` what completes the
 * books. All are read in one turn of the event loop when a reader asks, so the sums of telemetry/ledger.ts hold in every
 * scrape.
 */
export function observeLedgers(meter: Meter, book: LedgerBook): void {
  const observables = new Map<string, Observable>()
  const readings: ((result: BatchObservableResult) => void)[] = []

  function observe(
    kind: Kind,
    name: string,
    unit: string,
    description: string,
    read: () => number,
    attributes: Attributes,
  ): void {
    const observable = instrument(kind, name, unit, description)
    readings.push((result) => result.observe(observable, read(), attributes))
  }
  function instrument(kind: Kind, name: string, unit: string, description: string): Observable {
    let observable = observables.get(name)
    if (observable === undefined) {
      const options = { unit, description }
      observable =
        kind === 'counter'
          ? meter.createObservableCounter(name, options)
          : meter.createObservableUpDownCounter(name, options)
      observables.set(name, observable)
    }
    return observable
  }
  /** Further reasons may come up while the gateway runs, so these are read from the map each time. */
  function observeDropped(
    name: string,
    dropped: ReadonlyMap<string, number>,
    reasons: readonly string[],
    attributes: Attributes,
  ): void {
    const observable = instrument('counter', name, '{item}', 'Items that went no further, by reason.')
    readings.push((result) => {
      for (const reason of new Set([...reasons, ...dropped.keys()]))
        result.observe(observable, dropped.get(reason) ?? 0, { ...attributes, reason })
    })
  }

  for (const { id, signal, items, ledger } of book.receivers) {
    const own = { receiver: id }
    const unit = `{${items}}`
    const count = (name: string, what: string, read: () => number) =>
      observe('counter', `otelcol_receiver_${name}_${items}`, unit, what, read, own)
    count('accepted', 'Items taken over from senders.', () => ledger.accepted)
    count('refused', 'Items turned away; their senders still have them.', () => ledger.refused)
    count('failed', 'Items turned away as malformed or through a defect.', () => ledger.failed)
    const bySignal = { receiver: id, 'otel.signal': signal }
    observe(
      'counter',
      'blindspot.receiver.received',
      '{item}',
      'Items that senders brought.',
      () => ledger.received,
      bySignal,
    )
    for (const outcome of ['success', 'refused', 'failure'] as const) {
      const read = () => ledger.requests[outcome]
      observe('counter', 'otelcol_receiver_requests', '{requests}', 'Export requests by outcome.', read, {
        ...bySignal,
        outcome,
      })
    }
  }

  for (const { id, signal, ledger, stages } of book.pipelines) {
    const own = { pipeline: id, 'otel.signal': signal }
    const count = (kind: Kind, name: string, what: string, read: () => number) =>
      observe(kind, `blindspot.pipeline.${name}`, '{item}', what, read, own)
    count('counter', 'accepted', 'Items that the pipeline took responsibility for.', () => ledger.accepted)
    count('counter', 'refused', 'Items that the pipeline turned away.', () => ledger.refused)
    count('counter', 'created', 'Items that stages of the pipeline made.', () => ledger.created)
    count('counter', 'forwarded', 'Items handed to all exporters.', () => ledger.forwarded)
    count('level', 'held', 'Items that stages of the pipeline hold.', () => ledger.held)
    observeDropped('blindspot.pipeline.dropped', ledger.dropped, PIPELINE_DROPS, own)
    for (const stage of stages) {
      const attributes = { processor: stage.id, ...own }
      const edge = (name: string, what: string, read: () => number) =>
        observe('counter', `otelcol_processor_${name}_items`, '{items}', what, read, attributes)
      edge('incoming', 'Items that the processor took.', () => stage.incoming.items)
      edge('outgoing', 'Items that the next stage took from the processor.', () => stage.outgoing.items)
    }
  }

  for (const { id, signal, items, ledger } of book.exporters) {
    const own = { exporter: id }
    const unit = `{${items}}`
    const count = (name: string, what: string, read: () => number) =>
      observe('counter', `otelcol_exporter_${name}_${items}`, unit, what, read, own)
    count('sent', 'Items that the destination took.', () => ledger.sent)
    count('send_failed', 'Items given up after the last try or refused for good.', () => ledger.failed)
    count('enqueue_failed', 'Items turned away because the queue was full.', () => ledger.enqueueFailed)
    const bySignal = { exporter: id, data_type: signal }
    observe(
      'level',
      'otelcol_exporter_queue_size',
      '{batches}',
      'Batches in the queue.',
      () => ledger.queueSize,
      bySignal,
    )
    observe(
      'level',
      'otelcol_exporter_queue_capacity',
      '{batches}',
      'Batches that the queue may hold.',
      () => ledger.queueCapacity,
      bySignal,
    )
    observe(
      'level',
      'otelcol_exporter_in_flight_requests',
      '{requests}',
      'Requests under way.',
      () => ledger.inFlightRequests,
      bySignal,
    )
    const books = { exporter: id, 'otel.signal': signal }
    observe(
      'counter',
      'blindspot.exporter.accepted',
      '{item}',
      'Items that the exporter took responsibility for.',
      () => ledger.accepted,
      books,
    )
    observe(
      'level',
      'blindspot.exporter.held',
      '{item}',
      'Items in the queue or on their way.',
      () => ledger.held,
      books,
    )
    observe(
      'counter',
      'blindspot.exporter.rejected',
      '{item}',
      'Items that the destination rejected inside requests that it accepted (partial success).',
      () => ledger.rejected,
      books,
    )
    observeDropped('blindspot.exporter.dropped', ledger.dropped, EXPORTER_DROPS, books)
  }

  if (observables.size === 0) return
  meter.addBatchObservableCallback(
    (result) => {
      for (const reading of readings) reading(result)
    },
    [...observables.values()],
  )
}
