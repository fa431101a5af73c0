import type { BufferMemory } from '../otlp/buffer-memory.ts'
import type { Source } from '../otlp/source.ts'
import type { SpanEdits } from '../otlp/span-edits.ts'
import type { SpanTable } from '../otlp/span-table.ts'
import { encodeSpans } from '../otlp/splice.ts'
import type { TraceIndex } from '../otlp/trace-index.ts'
import type { Signal } from './signal.ts'

/** Spans on their way through a pipeline: a table over shared bytes, and this branch's own edits. */
export class TracesBatch {
  readonly signal = 'traces'
  readonly table: SpanTable
  /** Where the traces lie in the table; null until a `trace_window` has gathered whole traces, and for traces it sheds. */
  readonly traces: TraceIndex | null
  edits: SpanEdits | null

  constructor(table: SpanTable, traces: TraceIndex | null = null, edits: SpanEdits | null = null) {
    this.table = table
    this.traces = traces
    this.edits = edits
  }

  /** Spans that would leave if it were encoded now. */
  get itemCount(): number {
    return this.table.count - (this.edits?.droppedCount ?? 0)
  }

  /**
   * An ExportTraceServiceRequest: the original bytes where nobody changed anything, otherwise spliced. What is made here
   * lies in `memory`, where there is one, and may go back there.
   */
  encode(memory?: BufferMemory): Uint8Array {
    return encodeSpans(this.table, this.edits, memory)
  }

  /** The same spans for another branch, which may edit them without this one noticing. */
  fork(): TracesBatch {
    return new TracesBatch(this.table, this.traces, this.edits?.clone() ?? null)
  }

  retain(): void {
    this.table.retain()
  }

  release(): void {
    this.table.release()
  }
}

/** Metrics, logs or profiles: an Export…ServiceRequest as bytes. */
export class BytesBatch {
  readonly signal: 'metrics' | 'logs' | 'profiles'
  readonly source: Source
  /** Data points, log records or profiles. */
  readonly itemCount: number

  constructor(signal: 'metrics' | 'logs' | 'profiles', source: Source, itemCount: number) {
    this.signal = signal
    this.source = source
    this.itemCount = itemCount
  }

  encode(): Uint8Array {
    return this.source.bytes
  }

  fork(): BytesBatch {
    return this
  }

  retain(): void {
    this.source.retain()
  }

  release(): void {
    this.source.release()
  }
}

export type Batch = TracesBatch | BytesBatch

/** The batch type of a signal. */
export type BatchOf<S extends Signal> = S extends 'traces' ? TracesBatch : BytesBatch
