import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const BLINDSPOT = fileURLToPath(new URL('../../cli/blindspot.js', import.meta.url))
const REPORT_LIMIT_BYTES = 64 * 1024 * 1024

/** What of the report is compared with the truth. */
export interface Report {
  readonly findings: readonly Finding[]
}

export interface Finding {
  readonly rule: string
  readonly level: string
  readonly cause: string
  readonly state: string
  readonly service: string | null
  readonly instance: string | null
  readonly operation: string | null
  readonly edge: { readonly from: string; readonly to: string; readonly boundary: string } | null
  readonly occurrences: number
  readonly population: number
  readonly message: string
  readonly values: Readonly<Record<string, unknown>>
  readonly evidence: readonly { readonly values: Readonly<Record<string, unknown>> }[]
}

/** `blindspot replay`, as it runs in somebody's CI. */
export async function replay(path: string): Promise<Report> {
  const args = [BLINDSPOT, 'replay', path, '--format', 'json', '--fail-on', 'never']
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: REPORT_LIMIT_BYTES })
  return JSON.parse(stdout) as Report
}
