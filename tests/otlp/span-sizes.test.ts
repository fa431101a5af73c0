import { expect, it } from '@jest/globals'
import { SpanSizes } from '../../otlp/span-sizes.ts'

function after(requests: readonly (readonly [bytes: number, spans: number])[]): SpanSizes {
  const sizes = new SpanSizes()
  for (const [bytes, spans] of requests) sizes.observe(bytes, spans)
  return sizes
}

it.each([
  ['at first: spans of 320 bytes', [], 32_000, 121],
  ['an eighth more than by those before', [[42_000, 100]], 42_000, 120],
  ['what is long ago counts less', [...Array(20).fill([6_554_000, 65_540]), [6_554_000, 16_385]], 400_000, 2820],
  ['never more than fit into the bytes of the request', [[2000, 1000]], 96_000, 1008],
  ['of an empty request', [], 0, 8],
] as [string, [number, number][], number, number][])(
  'says how many spans are likely: %s',
  (_, before, bytes, spans) => {
    const likely = after(before).likelySpans(bytes)
    expect(likely).toBeGreaterThan(spans * 0.95)
    expect(likely).toBeLessThan(spans * 1.05 + 1)
  },
)
