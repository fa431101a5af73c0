import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline, type Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'

export type WholeCompression = 'none' | 'gzip' | 'zstd'

const CHUNK_BYTES = 1024 * 1024

/**
 * The bytes of a recording, decompressed where the file as a whole is compressed, in chunks. A file that breaks off
 * within its compression (a writer that is still at it, a full disk) gives what came before and then ends; `damage` then
 * says why.
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
    this.compression = await compressionOf(this.path)
    this.bytesRead = 0
    this.damage = null
    const file = createReadStream(this.path, { highWaterMark: CHUNK_BYTES })
    const decompressor = createDecompressor(this.compression)
    file.on('data', (chunk) => {
      this.bytesRead += chunk.length
    })
    // Errors of either stream come out of the iteration below; pipeline only ties their ends together.
    const stream = decompressor === null ? file : pipeline(file, decompressor, () => {})
    try {
      for await (const chunk of stream) yield chunk as Buffer
    } catch (error) {
      if (!isDecompressionError(error)) throw error
      this.damage = `the ${this.compression} data is broken or breaks off: ${error.message}`
    }
  }
}

/** By the first bytes: names say nothing for certain. */
async function compressionOf(path: string): Promise<WholeCompression> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return isGzip(buffer.subarray(0, bytesRead)) ? 'gzip' : isZstd(buffer.subarray(0, bytesRead)) ? 'zstd' : 'none'
  } finally {
    await file.close()
  }
}

function createDecompressor(compression: WholeCompression): Transform | null {
  switch (compression) {
    case 'none':
      return null
    case 'gzip':
      return createGunzip({ chunkSize: CHUNK_BYTES })
    case 'zstd':
      return createZstdDecompress({ chunkSize: CHUNK_BYTES })
  }
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
