/**
 * The value that would stand at `k` if the first `count` values were sorted; those that are less then stand before it.
 * Takes as many steps as there are values, a few times over.
 */
export function select(values: Float64Array, k: number, count = values.length): number {
  let from = 0
  let to = count - 1
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

/** Where values are moved about for a median, so that none makes an array. */
let scratch = new Float64Array(256)

/** The value that would stand at `rank` if the values were sorted. */
export function valueByRank(values: ArrayLike<number>, rank: number): number {
  if (values.length > scratch.length) scratch = new Float64Array(2 * values.length)
  for (let i = 0; i < values.length; i++) scratch[i] = values[i]!
  return select(scratch, rank, values.length)
}

/** Of the values from `from` on, before `until`. */
export function meanOf(values: ArrayLike<number>, from: number, until: number): number {
  let sum = 0
  for (let i = from; i < until; i++) sum += values[i]!
  return sum / (until - from)
}

/** Of the values from `from` on, before `until`. */
export function medianOf(values: ArrayLike<number>, from = 0, until = values.length): number {
  if (until - from > scratch.length) scratch = new Float64Array(2 * (until - from))
  for (let i = from; i < until; i++) scratch[i - from] = values[i]!
  return medianOfScratch(until - from)
}

function medianOfScratch(count: number): number {
  const middle = count >> 1
  const upper = select(scratch, middle, count)
  if (count % 2 === 1) return upper
  let lower = Number.NEGATIVE_INFINITY
  for (let i = 0; i < middle; i++) if (scratch[i]! > lower) lower = scratch[i]!
  return (lower + upper) / 2
}

/** Standard deviation of a normal distribution with this median absolute deviation. */
const SIGMA_PER_MAD = 1.4826
/** How much wider a median scatters than a mean. */
const MEDIAN_EFFICIENCY = 1.2533

/** Scatter around the median of the values from `from` on, before `until`. */
export function robustSigma(values: ArrayLike<number>, median: number, from = 0, until = values.length): number {
  if (until - from > scratch.length) scratch = new Float64Array(2 * (until - from))
  for (let i = from; i < until; i++) scratch[i - from] = Math.abs(values[i]! - median)
  return SIGMA_PER_MAD * medianOfScratch(until - from)
}

/** Standard error of the median of `count` values that scatter by `sigma`. */
export function medianError(sigma: number, count: number): number {
  return (MEDIAN_EFFICIENCY * sigma) / Math.sqrt(count)
}
