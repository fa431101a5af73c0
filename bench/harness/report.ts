import { mkdirSync, writeFileSync } from 'node:fs'
import { arch, cpus, platform, release } from 'node:os'
import { dirname } from 'node:path'
import type { Measurement } from './measure.ts'

/** Figures for people, in columns. */
export function printTable(rows: readonly Measurement[]): void {
  const lines = [
    ['', 'pipeline', 'spans per CPU second', 'spans per second', 'peak memory', 'bytes out / in', 'refused'],
    ...rows.map((row) => [
      row.subject,
      row.case,
      `${(row.spansPerCpuSecond / 1e6).toFixed(3)} M`,
      `${(row.spansPerSecond / 1e6).toFixed(3)} M`,
      `${row.peakMemoryMb.toFixed(0)} MB`,
      row.outputShare === null ? '-' : row.outputShare.toFixed(4),
      String(row.refusals),
    ]),
  ]
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  for (const line of lines)
    console.log(
      line
        .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  '),
    )
}

/** For each case of each subject the round with the median of spans per CPU second, and the most memory of all rounds. */
export function medians(rows: readonly Measurement[]): Measurement[] {
  const rounds = Map.groupBy(rows, (row) => `${row.subject}, ${row.case}`)
  return [...rounds.values()].map((list) => {
    const sorted = list.toSorted((a, b) => a.spansPerCpuSecond - b.spansPerCpuSecond)
    return {
      ...sorted[sorted.length >> 1]!,
      peakMemoryMb: Math.max(...list.map((row) => row.peakMemoryMb)),
      failure: list.find((row) => row.failure !== null)?.failure ?? null,
    }
  })
}

/** Says what went wrong, and lets the process fail. */
export function printFailures(rows: readonly Measurement[]): void {
  for (const row of rows.filter(({ failure }) => failure !== null)) {
    console.error(`\nWRONG: ${row.subject}, ${row.case}: ${row.failure}`)
    process.exitCode = 1
  }
}

export function machine(): string {
  const [cpu] = cpus()
  return `${cpus().length} x ${cpu?.model.trim() ?? 'unknown CPU'}, ${platform()} ${release()} ${arch()}, Node ${process.versions.node}`
}

export function writeJson(file: string, figures: Readonly<Record<string, unknown>>): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(
    file,
    `${JSON.stringify({ machine: machine(), date: new Date().toISOString(), ...figures }, null, 2)}\n`,
  )
  console.log(`\nwritten to ${file}`)
}
