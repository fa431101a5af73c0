import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, it } from '@jest/globals'

const FOLDER = fileURLToPath(new URL('../../../shared/recordings/', import.meta.url))

/** A suite over recordings of real systems; skipped with a clear line where they are not on the machine. */
export function describeRecordings(name: string, body: () => void): void {
  if (existsSync(FOLDER)) describe(name, body)
  else
    describe(name, () => {
      it.skip('needs the recordings beside the checkout (../shared/recordings)', () => {})
    })
}

/** Where a recording lies. */
export function recordingPath(file: string): string {
  return FOLDER + file
}

/** The lines of a gzipped OTLP/JSON recording. */
export function recordingLines(file: string): string[] {
  return gunzipSync(readFileSync(FOLDER + file))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
}

/** A JSON file beside the recordings. */
export function readBesideRecordings(file: string): unknown {
  return JSON.parse(readFileSync(FOLDER + file, 'utf8'))
}
