import type { DropReason } from '../../component/consumer.ts'
import type { PipelineLedger } from '../../telemetry/ledger.ts'
import type { Books } from './branch.ts'

/** Counts at the way into a pipeline: what it has taken responsibility for, and what waits before its first stage. */
export class EntryBooks implements Books {
  readonly #ledger: PipelineLedger

  constructor(ledger: PipelineLedger) {
    this.#ledger = ledger
  }

  taken(items: number): void {
    this.#ledger.accepted += items
  }

  turnedAway(items: number): void {
    this.#ledger.refused += items
  }

  kept(items: number): void {
    this.#ledger.accepted += items
    this.#ledger.held += items
  }

  settled(items: number, lost: DropReason | null): void {
    this.#ledger.held -= items
    if (lost !== null) this.#ledger.drop(lost, items)
  }
}

/** Counts at the way out: what all exporters have is forwarded. */
export class ExitBooks implements Books {
  readonly #ledger: PipelineLedger

  constructor(ledger: PipelineLedger) {
    this.#ledger = ledger
  }

  taken(items: number): void {
    this.#ledger.forwarded += items
  }

  turnedAway(): void {}

  kept(items: number): void {
    this.#ledger.held += items
  }

  settled(items: number, lost: DropReason | null): void {
    this.#ledger.held -= items
    if (lost === null) this.#ledger.forwarded += items
    else this.#ledger.drop(lost, items)
  }
}
