import { writeSpanId, writeTraceId } from './fresh-ids.ts'
import { type MarkedRequest, POINTS_PER_SPAN, writeTime } from './marked-request.ts'
import { BROKEN, requestTemplate, SERVICES, SPANS_PER_TRACE, TRACES_PER_REQUEST } from './request-template.ts'

/** Times of the nth span of a trace, after its start: each call lies 1 ms inside the one that makes it. */
const NESTING_NANO = 1_000_000
const TRACE_NANO = 40_000_000
/** How long after its parent a child ends that outlives it: beyond LIFE-001's tolerance of 2 ms. */
const OVERHANG_NANO = 5_000_000
/** Numbers of traces and spans that no trace of the load has. */
const STRANGERS = 0x8000_0000

/**
 * The endless row of requests: 256 traces of a chain of four services arrive as four requests, one from each, and every
 * group of four brings traces that nobody has seen. One slot's requests share buffers: each must be answered before the
 * next is made.
 */
export class LoadSequence {
  readonly #groupStartNano = new Map<number, bigint>()
  readonly #nowMs: () => number
  #next = 0

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs
  }

  /** Which request comes next: the group of traces, and the service that sends its part. Who comes first goes round. */
  take(): { group: number; service: number } {
    const request = this.#next++
    const group = Math.floor(request / SERVICES.length)
    if (request % SERVICES.length === 0) {
      this.#groupStartNano.set(group, BigInt(this.#nowMs()) * 1_000_000n - BigInt(TRACE_NANO))
      this.#groupStartNano.delete(group - 100)
    }
    return { group, service: (request + group) % SERVICES.length }
  }

  startNano(group: number): bigint {
    return this.#groupStartNano.get(group)!
  }
}

/** The buffers of one of the requests in flight. */
export class RequestSlot {
  readonly #templates: MarkedRequest[]
  readonly #views: DataView[]
  readonly #sequence: LoadSequence

  constructor(sequence: LoadSequence, slot: number) {
    this.#sequence = sequence
    this.#templates = SERVICES.map((_, service) => requestTemplate(service, slot))
    this.#views = this.#templates.map(({ message }) => new DataView(message.buffer, message.byteOffset, message.length))
  }

  /** The next request of the sequence, valid until the next call. */
  next(): Buffer {
    const { group, service } = this.#sequence.take()
    const { message, points } = this.#templates[service]!
    const view = this.#views[service]!
    const startNano = this.#sequence.startNano(group)
    for (let i = 0; i < TRACES_PER_REQUEST; i++)
      writeTrace(view, points, i, service, group * TRACES_PER_REQUEST + i, startNano)
    return message
  }
}

/** Writes ids and times of the two spans that `service` has of the ith trace of a request. */
function writeTrace(
  view: DataView,
  points: Uint32Array,
  i: number,
  service: number,
  trace: number,
  groupStartNano: bigint,
): void {
  const last = service === SERVICES.length - 1
  const serverSpan = trace * SPANS_PER_TRACE + service * 2
  const traceNumber = last && i === BROKEN.contextLost ? trace + STRANGERS : trace
  const callerSpan = service === 2 && i === BROKEN.orphan ? serverSpan + STRANGERS : serverSpan - 1
  // The traces of a group start 1 µs one after the other.
  const startLow = Number(groupStartNano & 0xffff_ffffn) + i * 1000
  const startHigh = Number(groupStartNano >> 32n)
  for (let side = 0; side < 2; side++) {
    const at = (i * 2 + side) * POINTS_PER_SPAN
    writeTraceId(view, points[at]!, traceNumber)
    writeSpanId(view, points[at + 1]!, serverSpan + side)
    if (points[at + 2] !== 0) writeSpanId(view, points[at + 2]!, side === 1 ? serverSpan : callerSpan)
    const inset = (service * 2 + side) * NESTING_NANO
    // A database call that goes on when the call it belongs to has been answered.
    const outlives = last && side === 1 && i === BROKEN.childOutlivesParent
    const overhang = outlives ? NESTING_NANO + OVERHANG_NANO : 0
    writeTime(view, points[at + 3]!, startHigh, startLow + inset)
    writeTime(view, points[at + 4]!, startHigh, startLow + TRACE_NANO - inset + overhang)
  }
}
