import type { TracesBatch } from '../../component/batch.ts'
import type { Operations } from '../../otlp/operations.ts'
import { Column, ROW_WORDS } from '../../otlp/span-table.ts'
import { ClockTable } from './clock-table.ts'

/** A batch of whole traces with what all rules on lifetimes read off it. */
export class LifetimeFacts {
  batch!: TracesBatch
  /** Operation id by row. */
  operations = new Int32Array(1024)
  /** Set by the first rule that claims a span: one span has one primary finding. */
  claimed = new Uint8Array(1024)
  /** Clock source by resource of the table. */
  sources: Int32Array = new Int32Array(0)
  readonly clocks = new ClockTable()
  readonly registry: Operations

  constructor(registry: Operations) {
    this.registry = registry
  }

  read(batch: TracesBatch): void {
    if (!batch.traces) throw new Error('span_lifetime needs whole traces: put a trace_window before it')
    const { table } = batch
    this.batch = batch
    if (table.count > this.operations.length) {
      const capacity = Math.max(table.count, this.operations.length * 2)
      this.operations = new Int32Array(capacity)
      this.claimed = new Uint8Array(capacity)
    }
    this.claimed.fill(0, 0, table.count)
    this.sources = this.clocks.sourcesOf(table)
    const services = this.registry.servicesOf(table)
    for (let row = 0; row < table.count; row++)
      this.operations[row] = this.registry.of(table, row, services[table.words[row * ROW_WORDS + Column.resource]!]!)
  }
  /** The clock source of a row. */
  sourceOf(row: number): number {
    return this.sources[this.batch.table.words[row * ROW_WORDS + Column.resource]!]!
  }
}
