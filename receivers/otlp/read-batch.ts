import { type Batch, BytesBatch, TracesBatch } from '../../component/batch.ts'
import { GatewayError } from '../../component/errors.ts'
import type { Signal } from '../../component/signal.ts'
import { countItems } from '../../otlp/count-items.ts'
import { jsonToProtobuf } from '../../otlp/json/json-to-protobuf.ts'
import { MalformedJson } from '../../otlp/json/malformed-json.ts'
import type { RefCache } from '../../otlp/resource-cache.ts'
import { scanTraces } from '../../otlp/scan-traces.ts'
import type { Source } from '../../otlp/source.ts'
import { SpanTable } from '../../otlp/span-table.ts'

/** The request as a batch, or why it is none: at which byte, in which message. */
export function readBatch(signal: Signal, source: Source, refs: RefCache): Batch | GatewayError {
  if (signal === 'traces') {
    const table = scanTraces(source, refs)
    if (table instanceof SpanTable) return new TracesBatch(table)
    return malformed(table.message)
  }
  const items = countItems(signal, source.bytes)
  return typeof items === 'number' ? new BytesBatch(signal, source, items) : malformed(items.message)
}

/** An OTLP/JSON body as protobuf. */
export function jsonBody(signal: Signal, json: Uint8Array): Uint8Array | GatewayError {
  const bytes = jsonToProtobuf(signal, json)
  return bytes instanceof MalformedJson ? malformed(`malformed OTLP/JSON: ${bytes.message}`) : bytes
}

function malformed(message: string): GatewayError {
  return new GatewayError('malformed_request', message, { retryable: false })
}
