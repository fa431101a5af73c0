import { type Batch, BytesBatch, TracesBatch } from '../../component/batch.ts'
import { GatewayError } from '../../component/errors.ts'
import type { Signal } from '../../component/signal.ts'
import { countItems } from '../../otlp/count-items.ts'
import { jsonToProtobuf } from '../../otlp/json/json-to-protobuf.ts'
import { MalformedJson } from '../../otlp/json/malformed-json.ts'
import type { RefCache } from '../../otlp/resource-cache.ts'
import { likelySpans, scanTraces } from '../../otlp/scan-traces.ts'
import type { Source } from '../../otlp/source.ts'
import { SpanTable, TableFull } from '../../otlp/span-table.ts'

/**
 * The request as a batch, or why it is none: at which byte, in which message. `roomBytes` is what the rows of its spans
 * may take: a span of two bytes on the wire has a row of a hundred.
 */
export function readBatch(signal: Signal, source: Source, refs: RefCache, roomBytes: number): Batch | GatewayError {
  if (signal === 'traces') return readTraces(source, refs, roomBytes)
  const items = countItems(signal, source.bytes)
  return typeof items === 'number' ? new BytesBatch(signal, source, items) : malformed(items.message)
}

function readTraces(source: Source, refs: RefCache, roomBytes: number): TracesBatch | GatewayError {
  const requestBytes = source.bytes.length
  try {
    const table = scanTraces(source, refs, new SpanTable(likelySpans(requestBytes), roomBytes))
    return table instanceof SpanTable ? new TracesBatch(table) : malformed(table.message)
  } catch (error) {
    if (!(error instanceof TableFull)) throw error
    return new GatewayError(
      'memory_exhausted',
      `no room for the spans of a request of ${requestBytes} bytes: they need more than the ${error.limitBytes} bytes that are free`,
      { retryable: true },
    )
  }
}

/** An OTLP/JSON body as protobuf. */
export function jsonBody(signal: Signal, json: Uint8Array): Uint8Array | GatewayError {
  const bytes = jsonToProtobuf(signal, json)
  return bytes instanceof MalformedJson ? malformed(`malformed OTLP/JSON: ${bytes.message}`) : bytes
}

function malformed(message: string): GatewayError {
  return new GatewayError('malformed_request', message, { retryable: false })
}
