import { BytesBatch, TracesBatch } from '../../component/batch.ts'
import { Source } from '../../otlp/source.ts'
import { SpanTable } from '../../otlp/span-table.ts'
import { encodeRequest } from './otlp-oracle.ts'

/** Spans as they come from a receiver, for stages that never look into them: `items` empty rows over the bytes. */
export function opaqueTraces(
  bytes: Uint8Array,
  items: number,
  onReleased: ((isUnused: boolean) => void) | null = null,
): TracesBatch {
  const table = new SpanTable(items)
  for (let i = 0; i < items; i++) table.addRow()
  table.sources.push(new Source(bytes, onReleased))
  table.wholeSource = true
  return new TracesBatch(table)
}

export function opaqueBytes(
  signal: 'metrics' | 'logs' | 'profiles',
  bytes: Uint8Array,
  items: number,
  onReleased: ((isUnused: boolean) => void) | null = null,
): BytesBatch {
  return new BytesBatch(signal, new Source(bytes, onReleased), items)
}

/** One log record for each text. */
export function logsBatch(...texts: string[]): BytesBatch {
  const logRecords = texts.map((stringValue) => ({ body: { stringValue } }))
  const request = { resourceLogs: [{ scopeLogs: [{ logRecords }] }] }
  return opaqueBytes('logs', encodeRequest('logs', request), texts.length)
}
