import type { KeyedSample } from './context-lost-summary.ts'

/** A sample that waits for the other side of its call. */
export interface Held {
  readonly sample: KeyedSample
  readonly sinceMs: number
  used: boolean
}

/** Samples come nearly in order, so the place is near the end. */
export function insertByStart(list: Held[], held: Held): void {
  let i = list.length
  while (i > 0 && isBefore(held.sample, list[i - 1]!.sample)) i--
  list.splice(i, 0, held)
}

function isBefore(a: KeyedSample, b: KeyedSample): boolean {
  return a.startMs < b.startMs || (a.startMs === b.startMs && a.spanId < b.spanId)
}

/** The last place whose sample starts at or before `startMs`, or −1. */
export function lastAtOrBefore(list: readonly Held[], startMs: number): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (list[middle]!.sample.startMs <= startMs) low = middle + 1
    else high = middle
  }
  return low - 1
}
