import { closeSync, fstatSync, openSync, writeSync } from 'node:fs'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { Batch } from '../../component/batch.ts'
import { GatewayError } from '../../component/errors.ts'
import { protobufToJson } from '../../otlp/json/protobuf-to-json.ts'
import { Malformed } from '../../otlp/malformed.ts'
import type { Recording } from '../../receivers/file/recording.ts'
import type { ReplayOutput } from './replay.ts'

/** How much is gathered before it is compressed and written. */
const CHUNK_BYTES = 1024 * 1024

/**
 * Writes what leaves a replay in the form of a recording that it read: lines or frames, JSON or protobuf, compressed in
 * the same way. Writes at once, so that it holds no more than a chunk; several members of gzip, or frames of zstd, one
 * behind another are one file to every reader.
 */
export class RecordingWriter implements ReplayOutput {
  readonly #path: string
  #file: number
  #isWritten = false
  #chunk: Buffer[] = []
  #chunkBytes = 0
  #format: Recording | null = null

  /** Throws where the file cannot be written. */
  constructor(path: string) {
    this.#path = path
    this.#file = openSync(path, 'w')
  }

  restart(): void {
    this.#chunk = []
    this.#chunkBytes = 0
    if (!this.#isWritten) return
    if (!fstatSync(this.#file).isFile())
      throw new GatewayError('start_failed', `${this.#path}: ${NO_FILE}`, { retryable: false })
    closeSync(this.#file)
    this.#file = openSync(this.#path, 'w')
    this.#isWritten = false
  }

  write(batch: Batch, format: Recording): void {
    this.#format = format
    const bytes = batch.encode()
    if (bytes.length === 0) return
    this.#append(format.encoding === 'json' ? jsonOf(batch, bytes) : bytes, format)
  }

  close(): void {
    this.#flush()
    closeSync(this.#file)
  }

  #append(message: Uint8Array, { framing }: Recording): void {
    switch (framing) {
      case 'lines':
      case 'unknown':
        this.#gather(Buffer.from(message), LINE_END)
        break
      case 'frames':
        this.#gather(lengthOf(message), Buffer.from(message))
        break
      case 'zstd_frames': {
        const compressed = zstdCompressSync(message)
        this.#gather(lengthOf(compressed), compressed)
        break
      }
    }
  }

  #gather(...parts: readonly Buffer[]): void {
    for (const part of parts) {
      this.#chunk.push(part)
      this.#chunkBytes += part.length
    }
    if (this.#chunkBytes >= CHUNK_BYTES) this.#flush()
  }

  #flush(): void {
    if (this.#chunkBytes === 0) return
    this.#isWritten = true
    const bytes = Buffer.concat(this.#chunk, this.#chunkBytes)
    this.#chunk = []
    this.#chunkBytes = 0
    writeWhole(this.#file, this.#compressed(bytes))
  }

  #compressed(bytes: Buffer): Buffer {
    switch (this.#format!.compression) {
      case 'none':
        return bytes
      case 'gzip':
        return gzipSync(bytes)
      case 'zstd':
        return zstdCompressSync(bytes)
    }
  }
}

const NO_FILE =
  'the recording turns out to lie out of order and is begun anew, but this output cannot be emptied; name a file'
const LINE_END = Buffer.from('\n')

function jsonOf(batch: Batch, bytes: Uint8Array): Buffer {
  const json = protobufToJson(batch.signal, bytes)
  if (json instanceof Malformed) throw new Error(`what a pipeline gave out cannot be written: ${json.message}`)
  return json
}

function lengthOf(message: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(message.length)
  return length
}

function writeWhole(file: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
}
