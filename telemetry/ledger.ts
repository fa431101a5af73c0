/**
 * The ledger: plain counters that the data path moves as items change hands, always two together in one turn of the
 * event loop, so that at any scrape
 *
 *     receiver   received = accepted + refused + failed
 *     pipeline   accepted + created = forwarded + held + dropped (all reasons)
 *     exporter   accepted = sent + held + failed + dropped (all reasons)
 *
 * hold to the item. telemetry/ turns them into metrics when it is asked. One of each for each signal.
 */
export class ReceiverLedger {
  received = 0
  accepted = 0
  /** Turned away: memory, a full queue, shutdown; the sender keeps the data. */
  refused = 0
  /** Turned away as malformed or through a defect. */
  failed = 0
  /** Export requests by outcome. */
  readonly requests = { success: 0, refused: 0, failure: 0 }
}

export class PipelineLedger {
  /** Items that the pipeline's first stage took responsibility for. */
  accepted = 0
  refused = 0
  /** Items that a stage of the pipeline made itself. */
  created = 0
  /** Items handed to all exporters. */
  forwarded = 0
  /** Items that stages of the pipeline hold now: a window, a batch. */
  held = 0
  readonly dropped = new Map<string, number>()

  drop(reason: string, items: number): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + items)
  }
}

export class ExporterLedger {
  accepted = 0
  sent = 0
  /** Items in the sending queue or on their way. */
  held = 0
  /** Given up after the last try, or refused by the destination for good. */
  failed = 0
  /** Of what was sent: items that the destination rejected inside requests that it took (partial success). */
  rejected = 0
  /** Turned away because the queue was full; the stage before keeps the data. */
  enqueueFailed = 0
  readonly dropped = new Map<string, number>()
  queueSize = 0
  queueCapacity = 0
  inFlightRequests = 0

  drop(reason: string, items: number): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + items)
  }
}
