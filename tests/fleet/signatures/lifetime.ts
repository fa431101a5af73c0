import type { Span } from '../recording.ts'
import { durationMs, isEntry, median, millis, type Signature, type SignatureOf, share, type View } from '../view.ts'

/** §5 row 4: the work goes on after the span that it belongs to has ended, in the same process. */
const asyncAfterEnd: SignatureOf = (view, fault) => {
  const outliving = view.of('payment', 'receipt.render').filter((span) => {
    const parent = view.parent(span)
    return parent !== undefined && span.startNano <= parent.endNano && millis(span.endNano - parent.endNano) > 2
  })
  const late = view.of('payment', 'receipt.mail').filter((span) => {
    const parent = view.parent(span)
    return parent !== undefined && span.startNano > parent.endNano
  })
  const found = share(
    `receipt.render ends after its parent, and ${late.length} receipt.mail start after it`,
    outliving.length,
    fault.strikes,
    0.8,
  )
  return { ...found, shown: found.shown && late.length >= outliving.length * 0.8 }
}

/** §5 row 5: the span is over at once, its own producer span long after, in nearly every call. */
const spanEndedEarly: SignatureOf = (view) => {
  const all = view.of('checkout', 'order.publish')
  const early = all.filter((span) => view.children(span).some((child) => millis(child.endNano - span.endNano) > 2))
  return share(
    `order.publish ends before its producer (median length ${median(all.map(durationMs)).toFixed(2)} ms)`,
    early.length,
    all.length,
    0.9,
  )
}

/** §5 row 6: the server's span is there, the client's never came. */
const streamNeverEnded: SignatureOf = (view) => {
  const all = view.of('inventory', 'Recv.shop.Inventory.Watch')
  const orphans = view.orphans(all).filter((span) => span.remoteParent === true)
  const clients = view.of('edge', 'shop.Inventory/Watch').length
  const found = share(
    `Watch at inventory is an orphan; ${clients} CLIENT spans at edge`,
    orphans.length,
    all.length,
    0.95,
  )
  return { ...found, shown: found.shown && clients === 0 }
}

/** A callee that works on for longer than a second after its caller has given up, in both protocols. */
const cancelIgnored: SignatureOf = (view) => {
  const gaveUp = view.spans.filter((span) => span.kind === 'client' && span.error && callee(view, span))
  const over = (service: string) =>
    gaveUp.filter((span) => callee(view, span)?.service === service && overrunMs(view, span) > 1000).length
  const http = over('checkout')
  const grpc = over('inventory')
  const found = share(
    `callers gave up and the callee went on for more than 1 s: ${http} HTTP, ${grpc} gRPC`,
    http + grpc,
    gaveUp.length,
    0.5,
  )
  return { ...found, shown: http > 0 && grpc > 0 }
}

function callee(view: View, call: Span): Span | undefined {
  return view.children(call).find(isEntry)
}

export function overrunMs(view: View, call: Span): number {
  const served = callee(view, call)
  return served ? millis(served.endNano - call.endNano) : 0
}

/** How far the second host's clock looks ahead: the middle of the served span against the middle of the call. */
function offsetsMs(view: View): readonly { readonly atNano: bigint; readonly ms: number }[] {
  return view.spans.flatMap((span) => {
    const caller = view.parent(span)
    if (!caller || span.kind !== 'server' || span.host !== 'node-b' || caller.host !== 'node-a') return []
    const middle = (one: Span): bigint => (one.startNano + one.endNano) / 2n
    return [{ atNano: span.startNano, ms: millis(middle(span) - middle(caller)) }]
  })
}

const clockSkew: SignatureOf = (view) => {
  const offsets = offsetsMs(view).map((one) => one.ms)
  return ahead(`median offset of node-b ${median(offsets).toFixed(2)} ms`, offsets, (ms) => ms > 3 && ms < 7)
}

const clockDrift: SignatureOf = (view) => {
  const offsets = offsetsMs(view)
  const half = offsets.length / 2
  const sorted = [...offsets].sort((a, b) => (a.atNano < b.atNano ? -1 : 1))
  const [first, second] = [sorted.slice(0, half), sorted.slice(half)].map((part) => median(part.map((one) => one.ms)))
  const growth = (second ?? 0) - (first ?? 0)
  const secondsBetween = Number((sorted.at(-1)?.atNano ?? 0n) - (sorted[0]?.atNano ?? 0n)) / 2e9
  const ppm = (growth / 1000 / secondsBetween) * 1e6
  return {
    seen: Math.round(ppm),
    of: offsets.length,
    shown: ppm > 100 && ppm < 300,
    what: 'ppm by which the offset of node-b grows between the halves',
  }
}

const clockStep: SignatureOf = (view) => {
  const offsets = offsetsMs(view).map((one) => one.ms)
  return ahead(
    `median offset of node-b after the step ${median(offsets).toFixed(2)} ms`,
    offsets,
    (ms) => ms > 15 && ms < 25,
  )
}

function ahead(what: string, offsets: readonly number[], belongs: (ms: number) => boolean): Signature {
  return share(what, offsets.filter(belongs).length, offsets.length, 0.8)
}

export const lifetime: Readonly<Record<string, SignatureOf>> = {
  async_after_end: asyncAfterEnd,
  span_ended_early: spanEndedEarly,
  stream_never_ended: streamNeverEnded,
  cancel_ignored: cancelIgnored,
  clock_skew: clockSkew,
  clock_drift: clockDrift,
  clock_step: clockStep,
}
