import zlib from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { ByteBudget } from '../../../component/budget.ts'
import { GatewayError } from '../../../component/errors.ts'
import { type Coding, codingOf, decompress } from '../../../receivers/otlp/decompress.ts'

const MIB = 1024 * 1024

const COMPRESS = {
  gzip: zlib.gzipSync,
  zstd: zlib.zstdCompressSync,
  deflate: zlib.deflateSync,
  zlib: zlib.deflateSync,
} as const
type Compression = keyof typeof COMPRESS
const COMPRESSIONS = Object.keys(COMPRESS) as Compression[]

/** Decompresses with a budget of its own; all memory must be accounted for at the end. */
async function inflate(
  compressed: Buffer,
  coding: Compression,
  limitBytes: number,
  budget = new ByteBudget(100 * MIB),
) {
  budget.take(compressed.length)
  const held = { bytes: compressed, reservedBytes: compressed.length, buffer: null }
  const result = await decompress(held, coding, budget, limitBytes, 'the limit')
  const { peakBytes } = budget
  if (result instanceof GatewayError) {
    expect(budget.usedBytes).toBe(0)
    return { error: result, peakBytes }
  }
  expect(budget.usedBytes).toBe(result.reservedBytes)
  expect(result.reservedBytes).toBeGreaterThanOrEqual(result.bytes.length)
  return { bytes: Buffer.from(result.bytes), reservedBytes: result.reservedBytes, peakBytes }
}

describe.each(COMPRESSIONS)('%s', (coding) => {
  it('gives back what was compressed, of any size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), fc.integer({ min: 1, max: 2000 }), async (piece, times) => {
        const original = Buffer.concat(Array.from({ length: times }, () => piece))
        const { bytes } = await inflate(COMPRESS[coding](original), coding, 10 * MIB)
        expect(bytes?.equals(original)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  it('holds no more room than about what the result takes', async () => {
    const original = Buffer.alloc(3 * MIB, 'abcdefgh')
    const { reservedBytes } = await inflate(COMPRESS[coding](original), coding, 10 * MIB)
    expect(reservedBytes).toBeLessThanOrEqual(2 * original.length)
  })

  it('may fill the limit to the last byte', async () => {
    expect((await inflate(COMPRESS[coding](Buffer.alloc(MIB)), coding, MIB)).bytes).toHaveLength(MIB)
    expect((await inflate(COMPRESS[coding](Buffer.alloc(MIB + 1)), coding, MIB)).error?.code).toBe('message_too_large')
  })

  it('is never inflated beyond the limit', async () => {
    const bomb = COMPRESS[coding](Buffer.alloc(200 * MIB))
    const { error, peakBytes } = await inflate(bomb, coding, MIB)
    expect(error?.code).toBe('message_too_large')
    expect(peakBytes).toBeLessThanOrEqual(bomb.length + MIB)
  })

  it('is not inflated where the budget has no room', async () => {
    const compressed = COMPRESS[coding](Buffer.alloc(MIB))
    const budget = new ByteBudget(compressed.length + 1000)
    const { error } = await inflate(compressed, coding, 64 * MIB, budget)
    expect(error).toMatchObject({ code: 'memory_exhausted', retryable: true })
    expect(budget.peakBytes).toBeLessThanOrEqual(budget.limitBytes)
  })

  it.each([0, 1, 10, 100])('is malformed when %d of its bytes are missing or wrong', async (missing) => {
    const compressed = COMPRESS[coding](Buffer.from('some text that is long enough to be cut off '.repeat(50)))
    const broken =
      missing === 0 ? Buffer.alloc(100, 0xee) : compressed.subarray(0, Math.max(0, compressed.length - missing))
    expect((await inflate(broken, coding, MIB)).error?.code).toBe('malformed_request')
  })
})

describe('gzip', () => {
  it('of several members is read whole, although only the last one tells its length', async () => {
    const members = Buffer.concat([zlib.gzipSync(Buffer.alloc(100_000, 'a')), zlib.gzipSync(Buffer.from('b'))])
    const { bytes } = await inflate(members, 'gzip', MIB)
    expect(bytes).toHaveLength(100_001)
  })

  it('that lies about its length takes no more room than the limit', async () => {
    const liar = zlib.gzipSync(Buffer.alloc(100_000))
    liar.writeUInt32LE(0xffff_ffff, liar.length - 4)
    const { error, peakBytes } = await inflate(liar, 'gzip', MIB)
    expect(error?.code).toBe('malformed_request')
    expect(peakBytes).toBeLessThanOrEqual(liar.length + MIB)
  })
})

describe('the name of a compression', () => {
  it.each<[string | undefined, Coding | null]>([
    [undefined, 'identity'],
    ['', 'identity'],
    ['identity', 'identity'],
    ['GZIP ', 'gzip'],
    ['zstd', 'zstd'],
    ['snappy', null],
    ['gzip, gzip', null],
    ['constructor', null],
  ])('%s is %s', (header, coding) => expect(codingOf(header)).toBe(coding))
})

describe('a body of two parts that were compressed one by one', () => {
  const twoOf = (compression: Compression) =>
    Buffer.concat([COMPRESS[compression](Buffer.from('one ')), COMPRESS[compression](Buffer.from('two'))])

  it('is read whole in gzip', async () => {
    expect((await inflate(twoOf('gzip'), 'gzip', MIB)).bytes?.toString()).toBe('one two')
  })

  it('is refused in zstd, of which Node would read the first part and drop the other', async () => {
    expect((await inflate(twoOf('zstd'), 'zstd', MIB)).error).toMatchObject({
      code: 'malformed_request',
      message: expect.stringMatching(/more than one frame/),
    })
  })
})
