/** Nothing is surer: the counts may be right and the services in between be seen in part. */
const SUREST = 0.99

/**
 * How sure a statement is that so many of as many cases bear out: Jeffreys' estimate of the share, so that five of five
 * make 0.92, ten of ten 0.95 and any number at most 0.99.
 */
export function sureFrom(hits: number, of: number): number {
  return inHundredths((hits + 0.5) / (of + 1))
}

/** How sure what is said is, by the odds of all else that may have made the same counts. */
export function sureDespite(odds: number): number {
  return inHundredths(1 / (1 + odds))
}

/** More digits would claim more than is known. */
export function inHundredths(probability: number): number {
  return Math.min(SUREST, Math.round(probability * 100) / 100)
}
