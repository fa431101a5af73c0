/**
 * The value that would stand at `k` if the values were sorted; those that are less then stand before it. Takes as many
 * steps as there are values, a few times over.
 */
export function select(values: Float64Array, k: number): number {
  let from = 0
  let to = values.length - 1
  while (from < to) {
    const pivot = values[(from + to) >> 1]!
    let i = from
    let j = to
    while (i <= j) {
      while (values[i]! < pivot) i++
      while (values[j]! > pivot) j--
      if (i > j) break
      const value = values[i]!
      values[i++] = values[j]!
      values[j--] = value
    }
    if (k <= j) to = j
    else if (k >= i) from = i
    else break
  }
  return values[k]!
}

export function medianOf(values: ArrayLike<number>): number {
  return selectedMedian(new Float64Array(values))
}

/** Moves the values about. */
function selectedMedian(values: Float64Array): number {
  const middle = values.length >> 1
  const upper = select(values, middle)
  if (values.length % 2 === 1) return upper
  let lower = Number.NEGATIVE_INFINITY
  for (let i = 0; i < middle; i++) if (values[i]! > lower) lower = values[i]!
  return (lower + upper) / 2
}

/** Standard deviation of a normal distribution with this median absolute deviation. */
const SIGMA_PER_MAD = 1.4826
/** How much wider a median scatters than a mean. */
const MEDIAN_EFFICIENCY = 1.2533

export function robustSigma(values: ArrayLike<number>, median: number): number {
  const deviations = new Float64Array(values.length)
  for (let i = 0; i < values.length; i++) deviations[i] = Math.abs(values[i]! - median)
  return SIGMA_PER_MAD * selectedMedian(deviations)
}

/** Standard error of the median of `count` values that scatter by `sigma`. */
export function medianError(sigma: number, count: number): number {
  return (MEDIAN_EFFICIENCY * sigma) / Math.sqrt(count)
}
