import { TracesBatch } from '../../component/batch.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { scanTraces } from '../../otlp/scan-traces.ts'
import { Source } from '../../otlp/source.ts'
import { SpanTable } from '../../otlp/span-table.ts'
import { type ServiceSpans, traceRequest } from './otlp-builder.ts'

/** A request scanned into a table; fails the test where it is malformed. */
export function scan(bytes: Uint8Array, refs = new RefCache()): SpanTable {
  const table = scanTraces(new Source(bytes), refs)
  if (!(table instanceof SpanTable)) throw new Error(`${table.path} at byte ${table.byteOffset}: ${table.problem}`)
  return table
}

/** A batch as a receiver hands it on. */
export function tracesBatch(services: readonly ServiceSpans[], refs = new RefCache()): TracesBatch {
  return new TracesBatch(scan(traceRequest(services), refs))
}
