import { promisify } from 'node:util'
import { constants, gzip, zstdCompress } from 'node:zlib'
import { z } from 'zod'

/** The names of the Collector's that node:zlib can serve. */
export const compression = z
  .enum(['gzip', 'zstd', 'none'])
  .default('gzip')
  .describe('How requests are compressed: gzip, zstd (a third of the CPU, where the destination takes it) or none.')

export type Compression = z.output<typeof compression>

const gzipAsync = promisify(gzip)
const zstdAsync = promisify(zstdCompress)

/** Compresses off the event loop, in the thread pool. */
export function compress(bytes: Uint8Array, type: Compression): Promise<Uint8Array> | Uint8Array {
  switch (type) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipAsync(bytes)
    case 'zstd':
      return zstdAsync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 3 } })
  }
}
