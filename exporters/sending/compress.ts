import { promisify } from 'node:util'
import { constants, gzip, zstdCompress } from 'node:zlib'
import { z } from 'zod'
import { block } from './config.ts'

/** The names of the Collector's that node:zlib can serve; an empty name is none, as there. */
export const compression = z
  .enum(['gzip', 'zstd', 'none', ''])
  .default('gzip')
  .transform((value) => value || 'none')
  .describe('How requests are compressed: gzip, zstd (a quarter of the CPU, where the destination takes it) or none.')

export type Compression = z.output<typeof compression>

export const compressionParams = block(
  z.strictObject({
    level: z
      .int()
      .min(1)
      .max(22)
      .default(1)
      .describe('Higher compresses more and takes longer: 1 to 9 with gzip, 1 to 22 with zstd.'),
  }),
).describe('How hard to compress.')

export interface CompressionConfig {
  readonly compression: Compression
  readonly compression_params: z.output<typeof compressionParams>
}

const gzipAsync = promisify(gzip)
const zstdAsync = promisify(zstdCompress)

/**
 * Compresses off the event loop, in the thread pool. Level 1 is the default because the gateway must not spend most of
 * its CPU here: on requests of 200 kB from the recordings gzip does 165 to 225 MB a CPU second at level 1 and 67 to 99 at
 * level 6 for 7 to 12 % less output; zstd does 450 to 870 at level 1 and compresses like gzip at 6 or better.
 */
export function compress(bytes: Uint8Array, config: CompressionConfig): Promise<Uint8Array> | Uint8Array {
  const { level } = config.compression_params
  switch (config.compression) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipAsync(bytes, { level: Math.min(level, 9) })
    case 'zstd':
      return zstdAsync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: level } })
  }
}
