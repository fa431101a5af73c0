import { Malformed } from './malformed.ts'
import type { RequestSignal } from './request.ts'
import { MalformedProtobuf, WireReader, WireType } from './wire.ts'

/** One step from a message to those that it holds: their field numbers, and what they are. */
interface Level {
  readonly fields: readonly number[]
  readonly name: string
}

/**
 * The way from a request to its items; numbers from proto/.
 *
 *     traces    resource_spans 1     scope_spans 2     spans 2
 *     metrics   resource_metrics 1   scope_metrics 2   metrics 2    gauge 5, sum 7, histogram 9,       data_points 1
 *                                                                   exponential_histogram 10, summary 11
 *     logs      resource_logs 1      scope_logs 2      log_records 2
 *     profiles  resource_profiles 1  scope_profiles 2  profiles 2
 */
const WAYS: Readonly<Record<RequestSignal, { readonly request: string; readonly levels: readonly Level[] }>> = {
  traces: { request: 'ExportTraceServiceRequest', levels: way('resource_spans', 'scope_spans', 'spans') },
  metrics: {
    request: 'ExportMetricsServiceRequest',
    levels: [
      ...way('resource_metrics', 'scope_metrics', 'metrics'),
      { fields: [5, 7, 9, 10, 11], name: 'data' },
      { fields: [1], name: 'data_points' },
    ],
  },
  logs: { request: 'ExportLogsServiceRequest', levels: way('resource_logs', 'scope_logs', 'log_records') },
  profiles: { request: 'ExportProfilesServiceRequest', levels: way('resource_profiles', 'scope_profiles', 'profiles') },
}

function way(resources: string, scopes: string, items: string): readonly Level[] {
  return [
    { fields: [1], name: resources },
    { fields: [2], name: scopes },
    { fields: [2], name: items },
  ]
}

/**
 * How many spans, data points, log records or profiles a request holds. Only lengths are walked: what is in an item, a
 * resource or a scope is not looked at, so that it costs about as much as there are items.
 */
export function countItems(signal: RequestSignal, bytes: Uint8Array): number | Malformed {
  return visitItems(signal, bytes, null)
}

/** The same, with the reader laid over each item in turn for `visit` to read what it wants of it. */
export function visitItems(
  signal: RequestSignal,
  bytes: Uint8Array,
  visit: ((item: WireReader) => void) | null,
): number | Malformed {
  const { request, levels } = WAYS[signal]
  const walk = new Walk(new WireReader(bytes), levels, visit)
  try {
    walk.message(0)
    return walk.items
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error
    const path = [request, ...levels.slice(0, walk.depth).map((level) => level.name)].join('.')
    return new Malformed(error.byteOffset, path, error.message)
  }
}

class Walk {
  items = 0
  /** How far down the message is that is being read. */
  depth = 0
  readonly #reader: WireReader
  readonly #levels: readonly Level[]
  readonly #visit: ((item: WireReader) => void) | null

  constructor(reader: WireReader, levels: readonly Level[], visit: ((item: WireReader) => void) | null) {
    this.#reader = reader
    this.#levels = levels
    this.#visit = visit
  }

  message(depth: number): void {
    const reader = this.#reader
    const { fields } = this.#levels[depth]!
    const isLast = depth === this.#levels.length - 1
    this.depth = depth
    while (reader.next()) {
      if (reader.type !== WireType.bytes || !fields.includes(reader.field)) {
        reader.skip()
        continue
      }
      const innerEnd = reader.lengthEnd()
      const outerEnd = reader.end
      reader.end = innerEnd
      if (!isLast) this.message(depth + 1)
      else {
        this.items++
        this.depth = depth + 1
        this.#visit?.(reader)
        reader.at = innerEnd
      }
      reader.end = outerEnd
      this.depth = depth
    }
  }
}
