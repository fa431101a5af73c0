/** Below this a loop is quicker than the call into native code, which takes about 50 ns; measured on Node 24. */
const SHORT = 32

/** Copies a range of bytes to `at`; returns where it ends there. */
export function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  const length = end - start
  if (length < SHORT) for (let i = 0; i < length; i++) to[at + i] = from[start + i]!
  else if (length === from.length) to.set(from, at)
  else Buffer.prototype.copy.call(from, to, at, start, end)
  return at + length
}
