/**
 * Counts the spans of an ExportTraceServiceRequest by walking over lengths.
 *
 *     ExportTraceServiceRequest  1 resource_spans
 *     ResourceSpans              2 scope_spans
 *     ScopeSpans                 2 spans
 *
 * For bytes that are known to be well-formed: only tags below 128 and length-delimited fields are expected on the way,
 * and anything else is an error.
 */
export function countSpans(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return countIn(bytes, start, end, 0)
}

const PATH = [1, 2, 2] as const
let at = 0

function countIn(bytes: Uint8Array, start: number, end: number, depth: number): number {
  let count = 0
  at = start
  while (at < end) {
    const tag = bytes[at++]!
    if ((tag & 7) !== 2) throw new Error(`unexpected wire type ${tag & 7} at byte ${at - 1}`)
    const length = readLength(bytes)
    const next = at + length
    if (next > end) throw new Error(`a length reaches past its message at byte ${at}`)
    if (tag >> 3 === PATH[depth]) count += depth === PATH.length - 1 ? 1 : countIn(bytes, at, next, depth + 1)
    at = next
  }
  return count
}

function readLength(bytes: Uint8Array): number {
  let length = 0
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]!
    length |= (byte & 127) << shift
    if (byte < 128) return length
  }
}
