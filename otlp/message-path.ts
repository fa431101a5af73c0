import { MalformedProtobuf, WireReader, WireType } from './wire.ts'

/** Messages within a message: their name, whether there may be many, and what they are. */
interface Shape {
  readonly [field: number]: { readonly name: string; readonly many: boolean; readonly shape: Shape }
}

const many = (name: string, shape: Shape) => ({ name, many: true, shape })
const one = (name: string, shape: Shape) => ({ name, many: false, shape })

const ANY_VALUE: Shape = {}
const ATTRIBUTE: Shape = { 2: one('value', ANY_VALUE) }
const RESOURCE: Shape = { 1: many('attributes', ATTRIBUTE) }
const SCOPE: Shape = { 3: many('attributes', ATTRIBUTE) }
const SPAN: Shape = {
  9: many('attributes', ATTRIBUTE),
  11: many('events', { 3: many('attributes', ATTRIBUTE) }),
  13: many('links', { 4: many('attributes', ATTRIBUTE) }),
  15: one('status', {}),
}
const REQUEST: Shape = {
  1: many('resource_spans', {
    1: one('resource', RESOURCE),
    2: many('scope_spans', { 1: one('scope', SCOPE), 2: many('spans', SPAN) }),
  }),
}

/**
 * The message at a byte of an ExportTraceServiceRequest, from the request down, such as
 * `ExportTraceServiceRequest.resource_spans[2].scope_spans[0].spans[17].attributes[3]`. Walks the request again, since
 * it is needed only where one is broken.
 */
export function messagePath(bytes: Uint8Array, byteOffset: number): string {
  return `ExportTraceServiceRequest${pathWithin(bytes, 0, bytes.length, REQUEST, byteOffset) ?? ''}`
}

/** The rest of the path; null where this message is whole, and the byte is not in one of its parts. */
function pathWithin(bytes: Uint8Array, start: number, end: number, shape: Shape, byteOffset: number): string | null {
  const reader = new WireReader(bytes, start, end)
  const seen = new Map<number, number>()
  let name = ''
  try {
    for (; reader.next(); name = '') {
      const child = reader.type === WireType.bytes ? shape[reader.field] : undefined
      if (!child) {
        reader.skip()
        continue
      }
      const index = seen.get(reader.field) ?? 0
      seen.set(reader.field, index + 1)
      name = child.many ? `.${child.name}[${index}]` : `.${child.name}`
      const childEnd = reader.lengthEnd()
      const childStart = reader.at
      if (byteOffset >= childStart && byteOffset <= childEnd) {
        const inner = pathWithin(bytes, childStart, childEnd, child.shape, byteOffset)
        if (inner !== null) return name + inner
        // Where a message ends, something may be missing from it, or the next one is at fault.
        if (byteOffset < childEnd) return name
      }
      reader.at = childEnd
    }
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error
    return name
  }
  return null
}
