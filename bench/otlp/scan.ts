import { RefCache } from '../../otlp/resource-cache.ts'
import { scanTraces } from '../../otlp/scan-traces.ts'
import { Source } from '../../otlp/source.ts'
import { SpanTable } from '../../otlp/span-table.ts'
import { benchRequest, SPANS_PER_REQUEST } from './load.ts'
import { measure } from './measure.ts'

const refs = new RefCache()
console.log(`${Math.round(benchRequest().length / SPANS_PER_REQUEST)} bytes a span`)

/** Few requests stay in the processor's caches, as one does that has just been received; many come from memory. */
for (const count of [8, 64]) {
  const requests = Array.from({ length: count }, (_, i) => benchRequest(i + 1))
  let next = 0
  measure(`scan, ${count} requests by turns`, SPANS_PER_REQUEST, () => {
    next = (next + 1) % count
    const table = scanTraces(new Source(requests[next]!), refs)
    if (!(table instanceof SpanTable) || table.count !== SPANS_PER_REQUEST) throw new Error('the scan lost spans')
  })
}
