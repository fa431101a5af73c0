import { describe, expect, it } from '@jest/globals'
import { factory } from '../../../processors/span-lifetime/span-lifetime.ts'
import { decodeRequest } from '../../support/otlp-oracle.ts'
import { replaySpans } from '../../support/replay-spans.ts'
import { tracesBatch } from '../../support/scan.ts'
import { TEST_START_MS } from '../../support/test-settings.ts'

const MS = 1_000_000n
const AHEAD = 7n
/** When the last of the calls begins. */
const START = (BigInt(TEST_START_MS) + 29_900n) * MS

/** A call every 100 ms from node-a to node-b, whose clock is so many ms ahead; the callee's span has an event in its middle. */
function calls(ahead: bigint) {
  return Array.from({ length: 300 }, (_, i) => {
    const at = (BigInt(TEST_START_MS) + BigInt(i) * 100n) * MS
    const ids = { traceId: 1000 + i }
    return tracesBatch([
      {
        service: 'edge',
        resource: { 'host.id': 'node-a' },
        spans: [
          { ...ids, name: 'call', spanId: 1, kind: 'client', startNano: at, endNano: at + 10n * MS },
          { ...ids, name: 'more', spanId: 3, parentId: 1, startNano: at, endNano: at + 1n * MS },
        ],
      },
      {
        service: 'price',
        resource: { 'host.id': 'node-b' },
        spans: [
          {
            ...ids,
            name: 'serve',
            spanId: 2,
            parentId: 1,
            kind: 'server',
            startNano: at + (1n + ahead) * MS,
            endNano: at + (9n + ahead) * MS,
            events: [
              { name: 'half', timeNano: at + (5n + ahead) * MS, attributes: { n: 1 } },
              { name: 'none', timeNano: 0n },
            ],
          },
        ],
      },
    ]).table
  })
}

interface Sent {
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly events: readonly {
    readonly name: string
    readonly timeUnixNano: string
    readonly attributes: readonly unknown[]
  }[]
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[]
}

/** What leaves of the last call, by name. */
async function lastCall(config: object, ahead = AHEAD): Promise<Record<string, Sent>> {
  let last = new Uint8Array(0)
  await replaySpans(factory, calls(ahead), config, (batch) => {
    last = batch.encode() as typeof last
  })
  const request = decodeRequest('traces', last) as {
    resourceSpans: { scopeSpans: { spans: Sent[] }[] }[]
  }
  const spans = request.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans: own }) => own))
  const recent = spans.filter((span) => BigInt(span.startTimeUnixNano) >= START + (ahead < 0n ? ahead * MS : 0n))
  return Object.fromEntries(recent.map((span) => [span.name, span]))
}

const attributes = ({ attributes: list = [] }: Partial<Sent>) =>
  Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]]))

describe('clock_correction', () => {
  it('annotate says how far the clock is ahead, and changes no time', async () => {
    const { serve, call } = await lastCall({})
    expect(Number(attributes(serve!)['blindspot.clock.applied_offset'])).toBeCloseTo(0.007, 5)
    expect(BigInt(serve!.startTimeUnixNano)).toBe(START + 8n * MS)
    expect(attributes(call!)).toEqual({})
  })

  it.each([30_000n, -30_000n, 3_600_000n])('knows a clock that is %s ms ahead as soon', async (ahead) => {
    const { serve } = await lastCall({}, ahead)
    expect(Number(attributes(serve!)['blindspot.clock.applied_offset'])).toBeCloseTo(Number(ahead) / 1000, 5)
  })

  it('rewrite takes it out of start, end and events, and keeps what was sent', async () => {
    const { serve, call } = await lastCall({ clock_correction: 'rewrite' })
    const own = attributes(serve!)
    expect(Number(own['blindspot.clock.applied_offset'])).toBeCloseTo(0.007, 5)
    expect(BigInt(String(own['blindspot.original.start_time']))).toBe(START + 8n * MS)
    expect(BigInt(String(own['blindspot.original.end_time']))).toBe(START + 16n * MS)
    expect(BigInt(serve!.startTimeUnixNano)).toBe(START + 1n * MS)
    expect(BigInt(serve!.endTimeUnixNano)).toBe(START + 9n * MS)
    expect(serve!.events).toMatchObject([{ name: 'half' }, { name: 'none' }])
    expect(BigInt(serve!.events[0]!.timeUnixNano)).toBe(START + 5n * MS)
    expect(serve!.events[0]!.attributes).toHaveLength(1)
    expect(BigInt(serve!.events[1]!.timeUnixNano ?? 0)).toBe(0n)
    expect(BigInt(call!.startTimeUnixNano)).toBe(START)
  })
})
