import type { RequestSignal } from '../../otlp/request.ts'
import { MalformedProtobuf, WireReader, WireType } from '../../otlp/wire.ts'

/**
 * Which signal a request in protobuf is of. The four requests look alike down to their items: resource 1, scope 2, item 2.
 * The first item whose fields decide does:
 *
 *     span        7 or 8 fixed64 (start, end)
 *     log record  1 or 11 fixed64 (time, observed time)
 *     metric      5, 7, 9, 10 or 11 length-delimited (gauge … summary), beside 1 length-delimited (name), unless 1 has 16
 *                 bytes and 2 has 8: those are the ids of a span
 *
 * `undecided` where none does: an empty request, a profile.
 */
export function signalOf(bytes: Uint8Array): ToldSignal | 'undecided' | 'malformed' {
  try {
    return signalWithin(new WireReader(bytes), 0) ?? 'undecided'
  } catch (error) {
    if (error instanceof MalformedProtobuf) return 'malformed'
    throw error
  }
}

type ToldSignal = Exclude<RequestSignal, 'profiles'>

/** The field that leads down from request, resource and scope. */
const WAY = [1, 2, 2]

function signalWithin(reader: WireReader, depth: number): ToldSignal | null {
  if (depth === WAY.length) return signalOfItem(reader)
  const outerEnd = reader.end
  while (reader.next()) {
    if (reader.field !== WAY[depth] || reader.type !== WireType.bytes) {
      reader.skip()
      continue
    }
    const innerEnd = reader.lengthEnd()
    reader.end = innerEnd
    const signal = signalWithin(reader, depth + 1)
    if (signal !== null) return signal
    reader.at = innerEnd
    reader.end = outerEnd
  }
  return null
}

function signalOfItem(reader: WireReader): ToldSignal | null {
  let length1 = -1
  let length2 = -1
  let hasMetricData = false
  while (reader.next()) {
    const { field, type } = reader
    if (type === WireType.fixed64) {
      if (field === 7 || field === 8) return 'traces'
      if (field === 1 || field === 11) return 'logs'
    }
    if (type !== WireType.bytes) {
      reader.skip()
      continue
    }
    const stop = reader.lengthEnd()
    if (field === 1) length1 = stop - reader.at
    else if (field === 2) length2 = stop - reader.at
    else if (field === 5 || field === 7 || (field >= 9 && field <= 11)) hasMetricData = true
    reader.at = stop
  }
  const hasSpanIds = length1 === 16 && length2 === 8
  return hasMetricData && length1 >= 0 && !hasSpanIds ? 'metrics' : null
}
