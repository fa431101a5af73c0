import { closeSync, openSync, writeSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { jsonToRequests } from '../../otlp/json/json-to-protobuf.ts'
import { MalformedJson } from '../../otlp/json/malformed-json.ts'
import { protobufToJson } from '../../otlp/json/protobuf-to-json.ts'

/** The forms in which a recording is replayed. */
export const FORMS = ['json', 'json gzip', 'protobuf'] as const
export type Form = (typeof FORMS)[number]

/** How much is gathered before it is written. */
const CHUNK_BYTES = 1024 * 1024

/**
 * Writes OTLP, JSON lines or requests for traces, until there are so many bytes of JSON text, or the same in another
 * form; returns the bytes of the file, decompressed.
 */
export function writeRecording(path: string, form: Form, jsonBytes: number, content: Iterable<string | Uint8Array>) {
  const file = openSync(path, 'w')
  let chunk: Uint8Array[] = []
  let chunkBytes = 0
  let textBytes = 0
  let bytes = 0
  for (const lines of content) {
    const text = typeof lines === 'string' ? lines : `${protobufToJson('traces', lines)}\n`
    textBytes += Buffer.byteLength(text)
    const part = form !== 'protobuf' ? Buffer.from(text) : typeof lines === 'string' ? frames(lines) : frame(lines)
    chunk.push(part)
    chunkBytes += part.length
    bytes += part.length
    if (chunkBytes < CHUNK_BYTES && textBytes < jsonBytes) continue
    const whole = Buffer.concat(chunk)
    writeWhole(file, form === 'json gzip' ? gzipSync(whole) : whole)
    chunk = []
    chunkBytes = 0
    if (textBytes >= jsonBytes) break
  }
  closeSync(file)
  return bytes
}

/** The requests as the Collector's file exporter writes protobuf: each after its length in four bytes. */
function frames(lines: string): Buffer {
  const parts: Uint8Array[] = []
  for (const line of lines.split('\n')) {
    if (line === '') continue
    const requests = jsonToRequests(Buffer.from(line))
    if (requests instanceof MalformedJson) throw new Error(`the recording is broken: ${requests.message}`)
    for (const { bytes } of requests) parts.push(frame(bytes))
  }
  return Buffer.concat(parts)
}

function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(4 + message.length)
  framed.writeUInt32BE(message.length)
  framed.set(message, 4)
  return framed
}

function writeWhole(file: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
}
