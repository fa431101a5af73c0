import type { Random } from './random.ts'
import type { Recording } from './recording.ts'
import type { Span } from './span.ts'
import { encodeSpans } from './wire.ts'

/** A request as it arrives at a gateway. */
export interface Delivery {
  readonly atMs: number
  readonly bytes: Uint8Array
}

/** Every 5 s, as the batch processor of the SDKs. */
const EXPORT_EVERY_MS = 5000
/** Spans of one request, as the batch processor's. */
const MAX_SPANS = 512

/**
 * Sends the spans as SDKs do: each process exports every 5 s what ended since, at a moment of its own. Recordings are
 * stored by trace and do not tell when spans came; their order of arrival matters to everything that waits for parents.
 */
export function deliver(recording: Recording, random: Random): Delivery[] {
  const phases = new Map<string, number>()
  const slots = new Map<string, { atMs: number; order: number; spans: Span[] }>()
  const send = (span: Span, atMs: number) => {
    const key = `${atMs} ${span.source.instance}`
    const slot = slots.get(key)
    if (slot) slot.spans.push(span)
    else slots.set(key, { atMs, order: slots.size, spans: [span] })
  }
  for (const instance of [...new Set(recording.spans.map((span) => span.source.instance))].sort())
    phases.set(instance, random.next() * EXPORT_EVERY_MS)
  for (const span of recording.spans) {
    if (span.lost) continue
    const phase = phases.get(span.source.instance)!
    const endMs = Number(span.endNano / 1000n) / 1000
    const atMs = (Math.floor((endMs - phase) / EXPORT_EVERY_MS) + 1) * EXPORT_EVERY_MS + phase + span.delayMs
    send(span, atMs)
    if (span.againAfterMs !== null) send(span, atMs + span.againAfterMs)
  }
  return [...slots.values()]
    .sort((a, b) => a.atMs - b.atMs || a.order - b.order)
    .flatMap(({ atMs, spans }) => {
      spans.sort((a, b) => (a.endNano < b.endNano ? -1 : 1))
      const chunks = Array.from({ length: Math.ceil(spans.length / MAX_SPANS) }, (_, i) =>
        spans.slice(i * MAX_SPANS, (i + 1) * MAX_SPANS),
      )
      return chunks.map((chunk) => ({ atMs, bytes: encodeSpans(chunk) }))
    })
}
