import { closeSync, openSync, writeSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { jsonToRequests } from '../../otlp/json/json-to-protobuf.ts'
import { MalformedJson } from '../../otlp/json/malformed-json.ts'
import { mix } from './fresh-ids.ts'

/** A recording in the three forms that a replay is measured on. */
export const FORMS = ['json', 'json gzip', 'protobuf'] as const
export type Form = (typeof FORMS)[number]

/** Between one copy and the next, so that no window holds traces of two. */
const PAUSE_NANO = 60_000_000_000n

/**
 * A short recording made long: copies of it one behind another, each with trace and span ids of its own and at a later
 * time, so that a replay meets nothing twice.
 */
export class LongRecording {
  readonly #lines: readonly string[]
  readonly #periodNano: bigint

  constructor(lines: readonly string[]) {
    this.#lines = lines
    let first = 2n ** 64n
    let last = 0n
    for (const [, nano] of lines.join('\n').matchAll(TIMES)) {
      const time = BigInt(nano!)
      if (time < first) first = time
      if (time > last) last = time
    }
    this.#periodNano = last - first + PAUSE_NANO
  }

  /** Writes copies until there are so many bytes of JSON text; returns how many bytes lie in the file, decompressed. */
  write(path: string, form: Form, jsonBytes: number): number {
    const file = openSync(path, 'w')
    let bytes = 0
    for (let copy = 0, text = 0; text < jsonBytes; copy++) {
      const lines = this.#copy(copy)
      text += Buffer.byteLength(lines)
      const content = form === 'protobuf' ? frames(lines) : Buffer.from(lines)
      bytes += content.length
      writeWhole(file, form === 'json gzip' ? gzipSync(content) : content)
    }
    closeSync(file)
    return bytes
  }

  #copy(copy: number): string {
    const shift = BigInt(copy) * this.#periodNano
    const key = mix(copy)
    const lines = this.#lines.map((line) =>
      line
        .replace(TIMES, (match, nano: string) => match.replace(nano, String(BigInt(nano) + shift)))
        .replace(IDS, (match, id: string) => match.replace(id, withOtherTail(id, key))),
    )
    return `${lines.join('\n')}\n`
  }
}

/** Nanoseconds since 1970 have 19 digits in our days. */
const TIMES = /imeUnixNano"\s*:\s*"?(\d{19})\b/g
const IDS = /"(?:traceId|spanId|parentSpanId)"\s*:\s*"([0-9a-fA-F]{16,32})"/g

function withOtherTail(id: string, key: number): string {
  const tail = (Number.parseInt(id.slice(-8), 16) ^ key) >>> 0
  return id.slice(0, -8) + tail.toString(16).padStart(8, '0')
}

/** The requests as the Collector's file exporter writes protobuf: each after its length in four bytes. */
function frames(lines: string): Buffer {
  const parts: Uint8Array[] = []
  for (const line of lines.split('\n')) {
    if (line === '') continue
    const requests = jsonToRequests(line)
    if (requests instanceof MalformedJson) throw new Error(`the recording is broken: ${requests.message}`)
    for (const { bytes } of requests) {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      parts.push(length, bytes)
    }
  }
  return Buffer.concat(parts)
}

function writeWhole(file: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
}
