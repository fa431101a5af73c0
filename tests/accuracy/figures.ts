/** 95 %. */
const Z = 1.96

/** Wilson's interval for a share of which `hits` of `of` were seen. */
export function wilson(hits: number, of: number): readonly [number, number] {
  if (of === 0) return [0, 1]
  const share = hits / of
  const spread = Z * Math.sqrt((share * (1 - share)) / of + (Z * Z) / (4 * of * of))
  const middle = share + (Z * Z) / (2 * of)
  const scale = 1 + (Z * Z) / of
  return [Math.max(0, (middle - spread) / scale), Math.min(1, (middle + spread) / scale)]
}

/** A share of what was counted, and how much that was. */
export interface Share {
  readonly hits: number
  readonly of: number
}

export function shareOf({ hits, of }: Share): number {
  return of === 0 ? Number.NaN : hits / of
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}
