import type { DemoRequest } from './recording.ts'

/** A request, and how long after the first one it was sent. */
export interface Scheduled {
  readonly request: DemoRequest
  readonly afterMs: number
}

type JsonObject = Readonly<Record<string, unknown>>

/**
 * Brings a recording to now. All spans of a trace move by the same amount, so that what they say about one another stays
 * as it was: played faster, traces come closer together but keep their durations. Ids become fresh, so that the same
 * recording can be sent twice without looking like a repetition.
 */
export class Timeline {
  /** In the order in which they are sent. */
  readonly schedule: readonly Scheduled[]
  readonly #speed: number
  readonly #idKey: bigint
  readonly #firstNano: bigint
  readonly #traceStartNano = new Map<string, bigint>()

  constructor(requests: readonly DemoRequest[], speed: number, idKey: bigint) {
    this.#speed = speed
    this.#idKey = idKey
    const timed = requests
      .map((request) => ({ request, lastNano: latestTime(request.json) }))
      .filter(({ lastNano }) => lastNano > 0n)
      .sort((a, b) => Number(a.lastNano - b.lastNano))
    this.#firstNano = timed[0]?.lastNano ?? 0n
    // A request is sent when the last thing that it tells of has happened.
    this.schedule = timed.map(({ request, lastNano }) => ({
      request,
      afterMs: this.afterMs(lastNano),
    }))
    for (const { request } of timed) this.#noteTraceStarts(request.json)
  }

  /** How long after the first request a time of the recording is; before it, a negative number. */
  afterMs(unixNano: bigint): number {
    return Number(unixNano - this.#firstNano) / 1e6 / this.#speed
  }

  /** The request as it is sent in a demo that began at `beginUnixNano`. */
  moved(request: DemoRequest, beginUnixNano: bigint): object {
    return this.#copy(request.json as JsonObject, beginUnixNano, null)
  }

  /** `shiftNano` is that of the trace which the value is part of; null outside traces, where each time moves by itself. */
  #copy<T>(value: T, beginUnixNano: bigint, shiftNano: bigint | null): T {
    if (Array.isArray(value)) return value.map((item) => this.#copy(item, beginUnixNano, shiftNano)) as T
    if (typeof value !== 'object' || value === null) return value
    const traceStart = this.#traceStartNano.get(String((value as JsonObject).traceId))
    const shift = traceStart === undefined ? shiftNano : this.#shiftAt(traceStart, beginUnixNano)
    const fields = Object.entries(value).map(([key, field]) => {
      if (isTime(key, field))
        return [key, String(BigInt(field) + (shift ?? this.#shiftAt(BigInt(field), beginUnixNano)))]
      if (isId(key, field)) return [key, this.#freshId(field)]
      return [key, this.#copy(field, beginUnixNano, shift)]
    })
    return Object.fromEntries(fields)
  }

  #shiftAt(nano: bigint, beginUnixNano: bigint): bigint {
    const afterFirst = BigInt(Math.round(Number(nano - this.#firstNano) / this.#speed))
    return beginUnixNano + afterFirst - nano
  }

  /** The low 64 bits change, so that an id which is only that long stays so. */
  #freshId(id: string): string {
    const low = BigInt(`0x${id.slice(-16)}`) ^ this.#idKey
    return id.slice(0, -16) + low.toString(16).padStart(16, '0')
  }

  #noteTraceStarts(value: unknown): void {
    if (typeof value !== 'object' || value === null) return
    const { traceId, startTimeUnixNano } = value as JsonObject
    if (typeof traceId === 'string' && typeof startTimeUnixNano === 'string') {
      const start = BigInt(startTimeUnixNano)
      const known = this.#traceStartNano.get(traceId)
      if (known === undefined || start < known) this.#traceStartNano.set(traceId, start)
    }
    for (const field of Object.values(value)) this.#noteTraceStarts(field)
  }
}

/** The latest time in a request; 0 where it has none. */
function latestTime(value: unknown): bigint {
  if (typeof value !== 'object' || value === null) return 0n
  let latest = 0n
  for (const [key, field] of Object.entries(value)) {
    const time = isTime(key, field) ? BigInt(field) : latestTime(field)
    if (time > latest) latest = time
  }
  return latest
}

/** Every time in OTLP is called so; 0 means that there is none. */
function isTime(key: string, value: unknown): value is string {
  return typeof value === 'string' && /imeUnixNano$/.test(key) && value !== '0'
}

function isId(key: string, value: unknown): value is string {
  return typeof value === 'string' && /^(traceId|spanId|parentSpanId)$/.test(key) && /^[0-9a-fA-F]{16,}$/.test(value)
}
