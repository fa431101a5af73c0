import { type Batch, BytesBatch, TracesBatch } from '../../component/batch.ts'
import type { ByteBudget } from '../../component/budget.ts'
import { GatewayError } from '../../component/errors.ts'
import type { Signal } from '../../component/signal.ts'
import { countItems } from '../../otlp/count-items.ts'
import { jsonToProtobuf } from '../../otlp/json/json-to-protobuf.ts'
import { MalformedJson } from '../../otlp/json/malformed-json.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { scanTraces } from '../../otlp/scan-traces.ts'
import type { Source } from '../../otlp/source.ts'
import { SpanSizes } from '../../otlp/span-sizes.ts'
import { SpanTable, TableFull } from '../../otlp/span-table.ts'

/** Reads requests as batches, or says why one is none: at which byte, in which message. */
export class BatchReader {
  readonly #budget: ByteBudget
  readonly #refs = new RefCache()
  readonly #sizes = new SpanSizes()

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  /** The batch takes over the caller's reference to the source; with an error that stays the caller's. */
  read(signal: Signal, source: Source): Batch | GatewayError {
    if (signal === 'traces') return this.#readTraces(source)
    const items = countItems(signal, source.bytes)
    return typeof items === 'number' ? new BytesBatch(signal, source, items) : malformed(items.message)
  }

  #readTraces(source: Source): TracesBatch | GatewayError {
    const requestBytes = source.bytes.length
    const { memory, roomBytes } = this.#budget
    try {
      // The rows may take what is free: a span of two bytes on the wire has a row of a hundred.
      const into = new SpanTable(this.#sizes.likelySpans(requestBytes), memory, roomBytes)
      const table = scanTraces(source, this.#refs, into)
      if (!(table instanceof SpanTable)) return malformed(table.message)
      this.#sizes.observe(requestBytes, table.count)
      return new TracesBatch(table)
    } catch (error) {
      if (!(error instanceof TableFull)) throw error
      return new GatewayError(
        'memory_exhausted',
        `no room for the spans of a request of ${requestBytes} bytes: they need more than the ${error.limitBytes} bytes that are free`,
        { retryable: true },
      )
    }
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
