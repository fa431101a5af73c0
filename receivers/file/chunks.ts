import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib'

export type WholeCompression = 'none' | 'gzip' | 'zstd'

const CHUNK_BYTES = 1024 * 1024

/**
 * The bytes of a recording, decompressed where the file as a whole is compressed, in chunks. A chunk is good until the
 * next is asked for, which may be read into its memory. A file that breaks off within its compression (a writer that is
 * still at it, a full disk) gives what came before and then ends; `damage` then says why.
 */
export class RecordingBytes {
  readonly path: string
  compression: WholeCompression = 'none'
  /** Bytes read from the file so far, before decompression: how far a progress bar stands. */
  bytesRead = 0
  damage: string | null = null

  constructor(path: string) {
    this.path = path
  }

  async *chunks(): AsyncGenerator<Buffer> {
    this.bytesRead = 0
    this.damage = null
    const file = openSync(this.path, 'r')
    try {
      this.compression = compressionOf(file)
      if (this.compression === 'none') yield* this.#plain(file)
    } finally {
      closeSync(file)
    }
    if (this.compression !== 'none') yield* this.#decompressed(this.compression)
  }

  /** Always into the same memory: fresh pages for each chunk would cost more than the reading. */
  *#plain(file: number): Generator<Buffer> {
    const memory = Buffer.allocUnsafeSlow(CHUNK_BYTES)
    for (let bytes = readSync(file, memory); bytes > 0; bytes = readSync(file, memory)) {
      this.bytesRead += bytes
      yield memory.subarray(0, bytes)
    }
  }

  /** A file may be several streams one behind the other: Node reads on in gzip, but of zstd it may stop at a frame's end. */
  async *#decompressed(compression: 'gzip' | 'zstd'): AsyncGenerator<Buffer> {
    const size = statSync(this.path).size
    let taken = 0
    do {
      const start = this.bytesRead
      const file = createReadStream(this.path, { start, highWaterMark: CHUNK_BYTES })
      file.on('data', (chunk) => {
        this.bytesRead += chunk.length
      })
      // Errors of either stream come out of the iteration below; pipeline only ties their ends together.
      const decompressor = pipeline(file, decompressorOf(compression), () => {})
      try {
        for await (const chunk of decompressor) yield chunk as Buffer
      } catch (error) {
        if (!isDecompressionError(error)) throw error
        this.damage = `the ${compression} data is broken or breaks off: ${error.message}`
        return
      }
      if (compression === 'gzip') return
      taken = decompressor.bytesWritten
      this.bytesRead = start + taken
    } while (taken > 0 && this.bytesRead < size)
  }
}

/** By the first bytes: names say nothing for certain. */
function compressionOf(file: number): WholeCompression {
  const buffer = Buffer.alloc(4)
  const beginning = buffer.subarray(0, readSync(file, buffer, 0, 4, 0))
  return isGzip(beginning) ? 'gzip' : isZstd(beginning) ? 'zstd' : 'none'
}

function decompressorOf(compression: 'gzip' | 'zstd'): Gunzip | ZstdDecompress {
  return compression === 'gzip'
    ? createGunzip({ chunkSize: CHUNK_BYTES })
    : createZstdDecompress({ chunkSize: CHUNK_BYTES })
}

/** RFC 1952, 2.3.1. */
function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/** A Zstandard frame, RFC 8878, 3.1.1. */
export function isZstd(bytes: Uint8Array): boolean {
  return bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd
}

function isDecompressionError(error: unknown): error is Error {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^(Z_|ZSTD_)/.test(code)
}
