import { expect, it } from '@jest/globals'
import type { ClockRow } from '../../../component/finding.ts'
import { Column, SpanKind, type SpanTable } from '../../../otlp/span-table.ts'
import { factory } from '../../../processors/span-lifetime/span-lifetime.ts'
import { describeRecordings } from '../../support/recordings.ts'
import { recordedTables, replaySpans, standing } from '../../support/replay-spans.ts'

/** Where each span is: its clock domain and its start in seconds since the first. */
interface Placed {
  readonly domain: string
  readonly atMs: number
}

const SHIFTED = '10.0.1.'

function setNano(table: SpanTable, row: number, column: number, nano: bigint): void {
  table.set(row, column, Number(nano >> 32n))
  table.set(row, column + 1, Number(nano & 0xffff_ffffn))
}

/** Ends the server spans of a service at a tenth of their time: those of search long before what it calls. */
function endEarly(tables: readonly SpanTable[], service: string): void {
  for (const table of tables)
    for (let row = 0; row < table.count; row++) {
      if (table.resourceOf(row).attributes.get('service.name') !== service || table.kind(row) !== SpanKind.server)
        continue
      const shown = BigInt(Math.round(table.durationNano(row) / 10))
      setNano(table, row, Column.end, table.timeUnixNano(row, Column.start) + shown)
    }
}

/** Adds to the clock of the second node what `aheadMs` says for each second of the recording. */
function shift(tables: readonly SpanTable[], aheadMs: (second: number) => number): void {
  let first = Number.POSITIVE_INFINITY
  for (const { domain: _, atMs } of places(tables)) first = Math.min(first, atMs)
  for (const table of tables)
    for (let row = 0; row < table.count; row++) {
      if (!domainOf(table, row).startsWith(SHIFTED)) continue
      const nano = BigInt(Math.round(aheadMs((table.timeMs(row, Column.start) - first) / 1000) * 1e6))
      for (const column of [Column.start, Column.end])
        setNano(table, row, column, table.timeUnixNano(row, column) + nano)
    }
}

function domainOf(table: SpanTable, row: number): string {
  return String(table.resourceOf(row).attributes.get('host.ip'))
}

function places(tables: readonly SpanTable[]): Placed[] {
  const all: Placed[] = []
  for (const table of tables)
    for (let row = 0; row < table.count; row++)
      all.push({ domain: domainOf(table, row), atMs: table.timeMs(row, Column.start) })
  return all
}

function offsetMs(rows: readonly ClockRow[], domain: string, atMs: number): number {
  const own = rows.filter((row) => row.members.includes(domain))
  const distance = ({ fromUnixNano, untilUnixNano }: ClockRow) =>
    Math.max(0, Number(fromUnixNano) / 1e6 - atMs, atMs - Number(untilUnixNano) / 1e6)
  const nearest = own.reduce<ClockRow | null>(
    (best, row) => (best && distance(best) <= distance(row) ? best : row),
    null,
  )
  return nearest ? nearest.offsetNano / 1e6 : 0
}

async function clocksOf(tables: readonly SpanTable[]) {
  const settings = await replaySpans(factory, tables)
  const rows = settings.findings.sections.flatMap((sections) => sections.clocks?.() ?? [])
  return { rows, findings: standing(settings.findings.reports) }
}

function summary(errors: readonly number[]): { mean: number; p95: number } {
  const sorted = [...errors].sort((a, b) => a - b)
  return {
    mean: sorted.reduce((sum, error) => sum + error, 0) / sorted.length,
    p95: sorted[Math.floor(sorted.length * 0.95)]!,
  }
}

/** A recording as it is, and what is known of its clocks; read once for all cases. */
async function load(file: string) {
  const tables = recordedTables(file)
  const words = tables.map((table) => table.words.slice())
  const spans = places(tables)
  return { tables, words, spans, firstMs: Math.min(...spans.map(({ atMs }) => atMs)), ...(await clocksOf(tables)) }
}

describeRecordings('offsets of clocks in recordings whose offset is known', () => {
  it.each([
    ['hotel-load50.otlp.jsonl.gz', -2.97],
    ['hotel-load100.otlp.jsonl.gz', -1.52],
  ])('%s: one node is %f ms off; its pods are one clock, and no span is called wrong for it', async (file, trueMs) => {
    const { spans, rows, findings } = await load(file)
    const groups = [...new Set(rows.map((row) => row.members.join(' ')))].sort()
    expect(groups).toEqual(['10.0.1.3 10.0.1.61 10.0.1.142 10.0.1.212', '10.0.2.207 10.0.2.221'])
    const truth = (domain: string) => (domain.startsWith(SHIFTED) ? trueMs : 0)
    const { mean, p95 } = summary(
      spans.map(({ domain, atMs }) => Math.abs(offsetMs(rows, domain, atMs) - truth(domain))),
    )
    expect(mean).toBeLessThan(0.1)
    expect(p95).toBeLessThan(0.2)
    expect(findings.map(({ rule, cause, state, place }) => [rule, cause, state, place.service])).toEqual([
      ['CLOCK-001', 'steady', 'confirmed', '10.0.1.3'],
    ])
    for (const { boundsNano, offsetNano, domain } of rows)
      if (domain === '10.0.1.3') {
        expect(boundsNano[0]).toBeLessThanOrEqual(offsetNano)
        expect(boundsNano[1]).toBeGreaterThanOrEqual(offsetNano)
        expect(boundsNano[1]).toBeLessThan(0)
      }
  })

  let load50: ReturnType<typeof load> | null = null

  it.each<[string, (second: number) => number, string[], string | null]>([
    ['a constant that hides the offset within the slack of the callers', () => 2.9, [], null],
    ['a drift of −150 ppm', (second) => second * -0.15, ['CLOCK-001 drifting'], null],
    ['a drift of 500 ppm', (second) => second * 0.5, ['CLOCK-001 drifting'], null],
    ['a step of −20 ms', (second) => (second > 22.3 ? -20 : 0), ['CLOCK-001 steady', 'CLOCK-002 step'], null],
    [
      'a step with a drift',
      (second) => (second > 40 ? 30 : 0) + second * 0.05,
      ['CLOCK-001 drifting', 'CLOCK-002 step'],
      null,
    ],
    [
      'a constant, while a server between the nodes ends its spans early,',
      () => 5,
      ['CLOCK-001 steady', 'LIFE-003 ended_before_async_work'],
      'search',
    ],
  ])('follows %s that was added to hotel-load50', async (_, aheadMs, expected, early) => {
    load50 ??= load('hotel-load50.otlp.jsonl.gz')
    const { tables, words, spans, firstMs, rows } = await load50
    for (const [i, table] of tables.entries()) table.words.set(words[i]!)
    shift(tables, aheadMs)
    if (early !== null) endEarly(tables, early)
    const after = await clocksOf(tables)
    const { mean, p95 } = summary(
      spans.map(({ domain, atMs }) => {
        const added = domain.startsWith(SHIFTED) ? aheadMs((atMs - firstMs) / 1000) : 0
        return Math.abs(offsetMs(after.rows, domain, atMs + added) - offsetMs(rows, domain, atMs) - added)
      }),
    )
    expect(mean).toBeLessThan(0.1)
    expect(p95).toBeLessThan(0.2)
    expect(after.findings.map(({ rule, cause }) => `${rule} ${cause}`).sort()).toEqual(expected)
  })
})
