import { describe, expect, it } from '@jest/globals'
import type { DemoRequest } from '../../../examples/demo/recording.ts'
import { Timeline } from '../../../examples/demo/timeline.ts'
import { TEST_START_NANO, traceRequestJson } from '../../support/otlp-builder.ts'

const SECOND = 1_000_000_000n
const NOW = 1_900_000_000_000_000_000n
const ID_KEY = 0xfn

/** A request with one span, times in seconds after the start of tests. */
function request(traceId: number, start: bigint, end: bigint): DemoRequest {
  const times = { startNano: TEST_START_NANO + start * SECOND, endNano: TEST_START_NANO + end * SECOND }
  return {
    signal: 'traces',
    json: traceRequestJson([{ service: 'a', spans: [{ traceId, spanId: traceId, ...times }] }]),
  }
}

interface SentRequest {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly Readonly<Record<string, string>>[] }[]
  }[]
}

function span(json: object) {
  return (json as SentRequest).resourceSpans[0]!.scopeSpans[0]!.spans[0]!
}

/** Start and end in seconds after NOW. */
function times(json: object): number[] {
  const { startTimeUnixNano, endTimeUnixNano } = span(json)
  return [startTimeUnixNano, endTimeUnixNano].map((nano) => Number(BigInt(nano!) - NOW) / 1e9)
}

describe('the timeline of a demo', () => {
  it('sends requests when the last thing in them has happened, earliest first', () => {
    const [late, early] = [request(1, 0n, 10n), request(2, 1n, 4n)]
    expect(new Timeline([late, early], 1, ID_KEY).schedule).toEqual([
      { request: early, afterMs: 0 },
      { request: late, afterMs: 6000 },
    ])
  })

  it('moves times so that the first request ends now', () => {
    const [first, second] = [request(1, 0n, 2n), request(2, 1n, 5n)]
    const timeline = new Timeline([first, second], 1, ID_KEY)
    expect(times(timeline.moved(first, NOW))).toEqual([-2, 0])
    expect(times(timeline.moved(second, NOW))).toEqual([-1, 3])
  })

  it('brings traces closer together when it is faster, and leaves their durations', () => {
    const [first, second] = [request(1, 0n, 2n), request(2, 22n, 25n)]
    const timeline = new Timeline([first, second], 10, ID_KEY)
    expect(timeline.schedule[1]!.afterMs).toBe(2300)
    expect(times(timeline.moved(second, NOW))).toEqual([2, 5])
  })

  it('moves the spans of a trace by the same amount, whichever request they are in', () => {
    const [caller, callee] = [request(7, 10n, 20n), request(7, 12n, 15n)]
    const timeline = new Timeline([caller, callee], 5, ID_KEY)
    const [callerStart, callerEnd] = times(timeline.moved(caller, NOW))
    const [calleeStart, calleeEnd] = times(timeline.moved(callee, NOW))
    expect([callerEnd! - callerStart!, calleeStart! - callerStart!, calleeEnd! - callerStart!]).toEqual([10, 2, 5])
  })

  it('makes ids fresh, the same one for the same id, and leaves short ids short', () => {
    const json = span(new Timeline([request(1, 0n, 1n)], 1, ID_KEY).moved(request(1, 0n, 1n), NOW))
    expect(json.traceId).toBe('0000000000000000000000000000000e')
    expect(json.spanId).toBe('000000000000000e')
  })
})
