import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import type { Signal } from '../../component/signal.ts'
import { protobufToJson } from '../../otlp/json/protobuf-to-json.ts'
import { Malformed } from '../../otlp/malformed.ts'
import type { FileConfig } from './config.ts'

const zstd = promisify(zstdCompress)

const LINE_END = Buffer.from('\n')

/**
 * A request as it stands in the file, before gzip. The forms are those of the Collector's file exporter, so that its
 * readers read them:
 *
 *     json                     JSON, '\n'
 *     proto, or anything zstd  length (4 bytes, big-endian), the request, with zstd compressed on its own
 */
export async function frame(
  signal: Signal,
  request: Uint8Array,
  { format, compression }: Pick<FileConfig, 'format' | 'compression'>,
): Promise<readonly Uint8Array[] | Malformed> {
  const encoded = format === 'json' ? protobufToJson(signal, request) : request
  if (encoded instanceof Malformed) return encoded
  if (compression === 'zstd') return withLength(await zstd(encoded))
  return format === 'json' ? [encoded, LINE_END] : withLength(encoded)
}

function withLength(bytes: Uint8Array): readonly Uint8Array[] {
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32BE(bytes.byteLength)
  return [length, bytes]
}
