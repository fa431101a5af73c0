import type { ExponentialHistogram } from '@opentelemetry/sdk-metrics'

type Buckets = ExponentialHistogram['positive']

/**
 * What came between two states of one exponential histogram. Its scale only falls, so the earlier state is coarsened to
 * the later one's first: one scale down, the buckets 2i and 2i+1 become i. Without min and max, which are not known.
 */
export function subtractExponential(all: ExponentialHistogram, last: ExponentialHistogram): ExponentialHistogram {
  const steps = last.scale - all.scale
  return {
    count: all.count - last.count,
    sum: all.sum! - last.sum!,
    scale: all.scale,
    zeroCount: all.zeroCount - last.zeroCount,
    positive: subtractBuckets(all.positive, last.positive, steps),
    negative: subtractBuckets(all.negative, last.negative, steps),
  }
}

function subtractBuckets(all: Buckets, last: Buckets, steps: number): Buckets {
  const bucketCounts = [...all.bucketCounts]
  last.bucketCounts.forEach((count, i) => {
    if (count > 0) bucketCounts[Math.floor((last.offset + i) / 2 ** steps) - all.offset]! -= count
  })
  return { offset: all.offset, bucketCounts }
}
