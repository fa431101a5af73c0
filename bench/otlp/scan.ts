import { RefCache } from '../../otlp/resource-cache.ts'
import { scanTraces } from '../../otlp/scan-traces.ts'
import { Source } from '../../otlp/source.ts'
import { SpanTable } from '../../otlp/span-table.ts'
import { benchRequest, SPANS_PER_REQUEST } from './load.ts'
import { measure } from './measure.ts'

// 64 requests, 14 MB in all, so that the bytes come from memory and not from the first caches.
const requests = Array.from({ length: 64 }, (_, i) => benchRequest(i + 1))
const refs = new RefCache()
let next = 0

console.log(`${Math.round(requests[0]!.length / SPANS_PER_REQUEST)} bytes a span`)
measure('scan', SPANS_PER_REQUEST, () => {
  const table = scanTraces(new Source(requests[next++ & 63]!), refs)
  if (!(table instanceof SpanTable) || table.count !== SPANS_PER_REQUEST) throw new Error('the scan lost spans')
})
