import { LoadSequence, RequestSlot } from './fresh-request.ts'
import { GRPC_PREFIX_BYTES, SERVICES, SPANS_PER_REQUEST } from './request-template.ts'

const START_MS = Date.UTC(2026, 0, 1)

/** What the load generator sends, one request after another as protobuf, at so many spans a second of their own time. */
export function* syntheticRequests(spansPerSecond: number): Generator<Uint8Array> {
  let sent = 0
  const sequence = new LoadSequence(() => START_MS + Math.round((sent / spansPerSecond) * 1000))
  // Copies of the templates, so that attributes differ from request to request.
  const slots = Array.from({ length: SERVICES.length }, (_, variant) => new RequestSlot(sequence, variant))
  for (let i = 0; ; i++) {
    yield slots[i % slots.length]!.next().subarray(GRPC_PREFIX_BYTES)
    sent += SPANS_PER_REQUEST
  }
}
