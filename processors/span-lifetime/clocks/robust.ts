/** Median of the first `count` values, which it sorts. */
export function sortedMedian(values: Float64Array, count = values.length): number {
  const used = values.subarray(0, count).sort()
  const middle = count >> 1
  return count % 2 === 1 ? used[middle]! : (used[middle - 1]! + used[middle]!) / 2
}

export function medianOf(values: ArrayLike<number>): number {
  return sortedMedian(Float64Array.from(values))
}

/** Standard deviation of a normal distribution with this median absolute deviation. */
const SIGMA_PER_MAD = 1.4826
/** How much wider a median scatters than a mean. */
const MEDIAN_EFFICIENCY = 1.2533

export function robustSigma(values: ArrayLike<number>, median: number): number {
  const deviations = new Float64Array(values.length)
  for (let i = 0; i < values.length; i++) deviations[i] = Math.abs(values[i]! - median)
  return SIGMA_PER_MAD * sortedMedian(deviations)
}

/** Standard error of the median of `count` values that scatter by `sigma`. */
export function medianError(sigma: number, count: number): number {
  return (MEDIAN_EFFICIENCY * sigma) / Math.sqrt(count)
}
