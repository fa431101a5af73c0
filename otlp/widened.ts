type Numbers = Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>

/** The same numbers in an array of at least `needed` and twice as long as before; what is new holds `filler`. */
export function widened<T extends Numbers>(values: T, needed: number, filler = 0): T {
  const wider = new (values.constructor as new (length: number) => T)(Math.max(needed, values.length * 2))
  wider.set(values)
  if (filler !== 0) wider.fill(filler, values.length)
  return wider
}
