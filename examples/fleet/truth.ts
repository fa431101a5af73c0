import { readFileSync } from 'node:fs'

/** truth.json as the fleet writes it (internal/supervisor/truth.go). */
export interface Truth {
  readonly command: string
  readonly metrics_every_seconds: number
  readonly time_factor: number
  readonly started_unix_nano: string
  readonly ended_unix_nano: string
  readonly processes: readonly TruthProcess[]
  readonly faults: readonly TruthFault[]
}

export interface TruthProcess {
  readonly name: string
  readonly service: string
  readonly instance: string
  readonly host: string
}

export interface TruthFault {
  readonly name: string
  readonly family: string
  readonly what: string
  readonly value?: string
  readonly from_unix_nano: string
  readonly till_unix_nano: string
  readonly strikes: number
  readonly expect: readonly Expectation[]
  readonly silent?: readonly string[]
}

export interface Expectation {
  readonly rule: string
  readonly cause?: string
  readonly accept?: readonly string[]
  readonly service?: string
  readonly instance?: string
  readonly operation?: string
  readonly edge?: Edge
}

export interface Edge {
  readonly from: string
  readonly to: string
  readonly boundary: string
}

export function readTruth(path: string): Truth {
  return JSON.parse(readFileSync(path, 'utf8')) as Truth
}
