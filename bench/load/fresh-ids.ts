/**
 * Ids of traces and spans, told by their number alone, so that the pieces of a trace can be made at different times
 * without anyone remembering it. The finaliser of MurmurHash3 is a bijection of 32 bits: no word repeats within 2^32.
 */
export function mix(word: number): number {
  let h = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

const TRACE_SALTS = [0x1b873593, 0x38b34ae5, 0xa1e38b93, 0x52dce729] as const
const SPAN_SALTS = [0xe6546b64, 0x239b961b] as const

export function writeTraceId(view: DataView, at: number, trace: number): void {
  view.setUint32(at, mix(trace + TRACE_SALTS[0]))
  view.setUint32(at + 4, mix(trace + TRACE_SALTS[1]))
  view.setUint32(at + 8, mix(trace + TRACE_SALTS[2]))
  view.setUint32(at + 12, mix(trace + TRACE_SALTS[3]))
}

export function writeSpanId(view: DataView, at: number, span: number): void {
  view.setUint32(at, mix(span + SPAN_SALTS[0]))
  view.setUint32(at + 4, mix(span + SPAN_SALTS[1]))
}
