import { randomBytes } from 'node:crypto'
import { type ServiceSpans, traceRequest } from '../../tests/support/otlp-builder.ts'

/** Where the fixed fields of a span lie, one entry each: trace id, span id, parent id (0: none), start, end. */
export const POINTS_PER_SPAN = 5

/** An encoded request, before which `prefixBytes` are free, whose ids and times are to be written at the points. */
export interface MarkedRequest {
  readonly message: Buffer
  readonly points: Uint32Array
}

/** Encodes spans with marks for their ids and times; a span whose parent id is null gets none. */
export function markedRequest(services: readonly ServiceSpans[], prefixBytes = 0): MarkedRequest {
  const marks: Buffer[] = []
  const mark = (length: number) => {
    const bytes = randomBytes(length)
    marks.push(bytes)
    return bytes
  }
  const body = traceRequest(
    services.map((service) => ({
      ...service,
      spans: service.spans.map((span) => ({
        ...span,
        traceId: mark(16).toString('hex'),
        spanId: mark(8).toString('hex'),
        parentId: mark(span.parentId === null ? 0 : 8).toString('hex') || null,
        startNano: mark(8).readBigUInt64LE(),
        endNano: mark(8).readBigUInt64LE(),
      })),
    })),
  )
  const message = Buffer.alloc(prefixBytes + body.length)
  message.set(body, prefixBytes)
  return { message, points: findMarks(message, marks, prefixBytes) }
}

/** Fields of a span are written in the order of their numbers, as every SDK does, so the marks stand in order too. */
function findMarks(message: Buffer, marks: readonly Buffer[], from: number): Uint32Array {
  let at = from
  return Uint32Array.from(marks, (mark) => {
    if (mark.length === 0) return 0
    at = message.indexOf(mark, at)
    if (at < 0) throw new Error('a field of the template is not where it should be')
    return at
  })
}

/** A fixed64 of high and low word, where the low one may have grown past 32 bits. */
export function writeTime(view: DataView, at: number, high: number, low: number): void {
  view.setUint32(at, low >>> 0, true)
  view.setUint32(at + 4, high + Math.floor(low / 2 ** 32), true)
}
