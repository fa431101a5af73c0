import { describe, expect, it } from '@jest/globals'
import { BufferMemory } from '../../../otlp/buffer-memory.ts'
import { cutByTime } from '../../../pipeline/replay/cut-by-time.ts'
import { type SpanSpec, traceRequest } from '../../support/otlp-builder.ts'
import { scan } from '../../support/scan.ts'

const memory = new BufferMemory(() => 0)

const ending = (name: string, second: number): SpanSpec => ({ name, endNano: BigInt(second) * 1_000_000_000n })

/** Service and span of each piece. */
function piecesOf(bytes: Uint8Array): string[][] {
  return cutByTime(bytes, memory).map((piece) => {
    const table = scan(piece)
    return Array.from({ length: table.count }, (_, row) => `${table.resourceOf(row).serviceName} ${table.name(row)}`)
  })
}

describe('cutByTime', () => {
  it('makes one request for each interval of five seconds in which spans ended, in their order', () => {
    const request = traceRequest([
      { service: 'shop', spans: [ending('d', 61), ending('a', 10), ending('c', 15)] },
      { service: 'cart', spans: [ending('b', 14)] },
    ])
    expect(piecesOf(request)).toEqual([['shop a', 'cart b'], ['shop c'], ['shop d']])
  })

  it('keeps what lies in one interval together', () => {
    const request = traceRequest([{ service: 'shop', spans: [ending('b', 14), ending('a', 10)] }])
    expect(piecesOf(request)).toEqual([['shop a', 'shop b']])
  })

  it('leaves alone what it cannot read', () => {
    const torn = traceRequest([{ service: 'shop', spans: [ending('a', 10)] }]).slice(0, -1)
    expect(cutByTime(torn, memory)).toEqual([torn])
  })
})
