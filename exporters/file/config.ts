import { z } from 'zod'
import { durationMs } from '../../component/config-types.ts'
import { unsupported } from '../sending/config.ts'

const rotation = z.preprocess(
  (value) => (value === null ? {} : value),
  z
    .strictObject({
      max_megabytes: z.number().positive().default(100).describe('A file that would grow beyond this is put aside.'),
      max_days: z
        .number()
        .min(0)
        .default(0)
        .describe('A file is put aside after so many days, and files put aside are deleted then; 0 is never.'),
      max_backups: z.int().min(0).default(100).describe('Files put aside that are kept, at most; 0 keeps all.'),
      localtime: z.boolean().default(false).describe('Whether their names have the local time instead of UTC.'),
    })
    .optional(),
)

export const configSchema = z.strictObject({
  path: z.string().min(1).describe('The file that is written.'),
  format: z
    .enum(['json', 'proto'])
    .default('json')
    .describe(
      'json: a line of OTLP/JSON for each batch. proto: the bytes of each batch behind their length (4 bytes, big-endian).',
    ),
  compression: z
    .enum(['none', 'zstd', 'gzip', ''])
    .default('none')
    .transform((value) => value || 'none')
    .describe(
      'none, zstd (each batch compressed on its own, behind its length, as in the Collector) or gzip (the file as a whole; any gunzip reads it).',
    ),
  rotation: rotation.describe('When the file is put aside for a new one; without it, it grows without limit.'),
  append: z
    .boolean()
    .default(false)
    .describe(
      'Whether to go on where an existing file ends. Without it the file begins anew; with rotation it is always so.',
    ),
  create_directory: z.boolean().default(true).describe('Whether to make the folder of path where it is absent.'),
  flush_interval: durationMs('1s').describe(
    'How long batches are collected to be compressed together, with gzip. Without it, they are written at once.',
  ),
  encoding: unsupported('there are no encoding extensions; write format json or proto'),
  group_by: unsupported('all goes into one file; leave it out'),
})

export type FileConfig = z.output<typeof configSchema>
