/** Whether a range of bytes holds just these. */
export function sameBytes(expected: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (expected.length !== end - start) return false
  // A call into native code costs about as much as this loop takes for 64 bytes.
  if (expected.length > 64) return Buffer.prototype.compare.call(expected, bytes, start, end) === 0
  for (let i = 0; i < expected.length; i++) if (expected[i] !== bytes[start + i]) return false
  return true
}
