import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { SignalBytes } from '../../../otlp/json/json-to-protobuf.ts'
import { protobufToJson } from '../../../otlp/json/protobuf-to-json.ts'
import { Recording } from '../../../receivers/file/recording.ts'
import { logsRequest, metricsRequest, traceRequest } from '../../support/otlp-builder.ts'

const MIXED: readonly SignalBytes[] = [
  { signal: 'traces', bytes: traceRequest([{ service: 'a', spans: [{ name: 'GET /' }, { name: 'ünï' }] }]) },
  {
    signal: 'metrics',
    bytes: metricsRequest([{ service: 'a', metrics: [{ name: 'm', gauge: { dataPoints: [{ asInt: '1' }] } }] }]),
  },
  {
    signal: 'logs',
    bytes: logsRequest([{ service: 'a', logs: [{ timeUnixNano: '1', body: { stringValue: 'hi' } }] }]),
  },
]
const LINES = MIXED.map(({ signal, bytes }) => `${protobufToJson(signal, bytes)}\n`).join('')
const FRAMES = Buffer.concat(MIXED.map(({ bytes }) => framed(bytes)))

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'recording-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('a recording', () => {
  it.each<[what: string, content: Uint8Array]>([
    ['JSON lines', Buffer.from(LINES)],
    ['JSON lines in gzip', gzipSync(LINES)],
    ['JSON lines in several members of gzip', Buffer.concat([gzipSync(LINES.slice(0, 99)), gzipSync(LINES.slice(99))])],
    ['JSON lines in zstd', zstdCompressSync(LINES)],
    [
      'JSON lines in several frames of zstd',
      Buffer.concat([zstdCompressSync(LINES.slice(0, 99)), zstdCompressSync(LINES.slice(99))]),
    ],
    ['frames of protobuf', FRAMES],
    ['frames of protobuf in gzip', gzipSync(FRAMES)],
    ['frames of protobuf in zstd', zstdCompressSync(FRAMES)],
    ['frames, each in zstd', Buffer.concat(MIXED.map(({ bytes }) => framed(zstdCompressSync(bytes))))],
    [
      'lines as frames, each in zstd',
      Buffer.concat(
        LINES.trim()
          .split('\n')
          .map((line) => framed(zstdCompressSync(line))),
      ),
    ],
  ])('is the same requests as %s', async (_what, content) => {
    const recording = open(content)
    for (let time = 1; time <= 2; time++) {
      expect(await requests(recording)).toEqual(
        MIXED.map(({ signal, bytes }) => ({ signal, bytes: Buffer.from(bytes) })),
      )
      expect(recording).toMatchObject({ rejected: 0, undecided: 0, bytesRead: content.length })
    }
  })

  it.each<[what: string, content: Uint8Array, read: number, counted: object, why: RegExp | null]>([
    ['a torn last line', Buffer.from(LINES.slice(0, -20)), 2, { rejected: 1, undecided: 0 }, /^not valid JSON/],
    ['a torn last frame', FRAMES.subarray(0, -1), 2, { rejected: 1, undecided: 0 }, /breaks off/],
    [
      'a broken line between good ones',
      Buffer.from(LINES.replace('{"resourceMetrics"', '{resourceMetrics')),
      2,
      { rejected: 1 },
      /^not valid JSON/,
    ],
    ['a line that is no OTLP', Buffer.from(`{"hello":1}\n${LINES}`), 3, { rejected: 0, undecided: 1 }, null],
    [
      'a line with a wrong value',
      Buffer.from(`{"resourceSpans":1}\n${LINES}`),
      3,
      { rejected: 1 },
      /^resourceSpans: got 1/,
    ],
    ['a line of two signals', Buffer.from('{"resourceSpans":[{}],"resourceLogs":[{}]}'), 2, { rejected: 0 }, null],
    [
      'an empty request between others',
      Buffer.concat([FRAMES, framed(Buffer.from('0a00', 'hex'))]),
      3,
      { rejected: 0, undecided: 1 },
      null,
    ],
    [
      'a frame that is no protobuf',
      Buffer.concat([framed(Buffer.from('nonsense')), FRAMES]),
      3,
      { rejected: 1 },
      /no OTLP request/,
    ],
    ['something else altogether', Buffer.from('PK\u0003\u0004 a zip file'), 0, { rejected: 1 }, /^not valid JSON/],
    ['an empty file', Buffer.alloc(0), 0, { rejected: 0, undecided: 0 }, null],
  ])('reads on at %s and counts', async (_what, content, read, counted, why) => {
    const recording = open(content)
    expect(await requests(recording)).toHaveLength(read)
    expect(recording).toMatchObject(counted)
    if (why === null) expect(recording.firstRejection).toBeNull()
    else expect(recording.firstRejection).toMatch(why)
  })

  it('gives what came before gzip breaks off', async () => {
    const long = LINES.repeat(2000)
    const compressed = gzipSync(long)
    const recording = open(compressed.subarray(0, compressed.length >> 1))
    expect((await requests(recording)).length).toBeGreaterThan(100)
    expect(recording.rejected).toBe(1)
  })

  it('takes its messages for the signal that it is told', async () => {
    const profile = Buffer.from('0a06' + '1204' + '1202' + '0a00', 'hex')
    expect(await requests(open(framed(profile)))).toEqual([])
    expect(await requests(open(framed(profile), 'profiles'))).toEqual([{ signal: 'profiles', bytes: profile }])
  })

  it('does not exist', async () => {
    await expect(requests(new Recording(join(folder, 'missing')))).rejects.toThrow(/ENOENT/)
  })
})

let files = 0
function open(content: Uint8Array, signal: ConstructorParameters<typeof Recording>[1] = null): Recording {
  const path = join(folder, `${files++}.bin`)
  writeFileSync(path, content)
  return new Recording(path, signal)
}

async function requests(recording: Recording): Promise<SignalBytes[]> {
  const all: SignalBytes[] = []
  for await (const messages of recording.rawMessages()) {
    for (const message of messages) {
      for (const { signal, bytes } of recording.requestsIn(message)) all.push({ signal, bytes: Buffer.from(bytes) })
    }
  }
  return all
}

function framed(content: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  return Buffer.concat([length, content])
}
