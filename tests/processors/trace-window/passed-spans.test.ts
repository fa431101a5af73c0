import { describe, expect, it } from '@jest/globals'
import { PassedSpans } from '../../../processors/trace-window/passed-spans.ts'

const MB = 1024 * 1024

/** Numbers that look like hashes: the same ones for the same seed. */
function hashes(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) | 0
  }
}

/** Adds traces of so many spans; returns their hashes, three numbers a span. */
function fill(passed: PassedSpans, traces: number, spansPerTrace: number, nowMs: number, seed = 1): number[] {
  const next = hashes(seed)
  const keys: number[] = []
  for (let t = 0; t < traces; t++) {
    const trace = next()
    passed.addTrace(trace, spansPerTrace, nowMs)
    for (let s = 0; s < spansPerTrace; s++) {
      const [a, b] = [next(), next()]
      passed.addSpan(a, b)
      keys.push(trace, a, b)
    }
  }
  return keys
}

describe('the memory of spans that have passed', () => {
  it.each([
    ['small traces', 20_000, 8],
    ['large traces', 20, 5000],
  ])('knows every span of %s, and takes fewer than 5 strangers in 1000 for one', (_, traces, spansPerTrace) => {
    const passed = new PassedSpans(60_000, 64 * MB)
    const keys = fill(passed, traces, spansPerTrace, 0)
    let missed = 0
    for (let i = 0; i < keys.length; i += 3) if (!passed.hasSpan(keys[i]!, keys[i + 1]!, keys[i + 2]!)) missed++
    expect(missed).toBe(0)
    const stranger = hashes(99)
    let mistaken = 0
    // Strangers within traces that have passed, as orphans ask for.
    for (let i = 0; i < 100_000; i++)
      if (passed.hasSpan(keys[(i * 3) % keys.length]!, stranger(), stranger())) mistaken++
    expect(mistaken).toBeLessThan(500)
    expect(passed.bytes).toBeLessThan(traces * (spansPerTrace + 1) * 8)
  })

  it('forgets after the grace', () => {
    const passed = new PassedSpans(60_000, MB)
    const old = fill(passed, 10, 8, 0)
    passed.markTrace(old[0]!, 0)
    expect(passed.hasTrace(old[0]!)).toBe(true)
    for (let ms = 10_000; ms <= 130_000; ms += 10_000) fill(passed, 1, 1, ms, ms)
    passed.expire(130_000)
    expect(passed.hasTrace(old[0]!)).toBe(false)
    expect(passed.hasSpan(old[0]!, old[1]!, old[2]!)).toBe(false)
  })

  it('keeps within its bytes and says how far back it still reaches', () => {
    const passed = new PassedSpans(60_000, 256 * 1024)
    for (let second = 0; second < 30; second++) fill(passed, 2000, 8, second * 1000, second + 1)
    expect(passed.bytes).toBeLessThanOrEqual(256 * 1024)
    expect(passed.cutShort).toBeGreaterThan(0)
    expect(passed.effectiveGraceMs(30_000)).toBeLessThan(30_000)
  })
})
