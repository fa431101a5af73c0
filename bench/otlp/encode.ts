import { RefCache } from '../../otlp/resource-cache.ts'
import { scanTraces } from '../../otlp/scan-traces.ts'
import { Source } from '../../otlp/source.ts'
import { SpanEdits } from '../../otlp/span-edits.ts'
import { Column, SpanTable } from '../../otlp/span-table.ts'
import { encodeSpans } from '../../otlp/splice.ts'
import { benchRequest, SPANS_PER_REQUEST } from './load.ts'
import { measure } from './measure.ts'

const REQUESTS = 64
const refs = new RefCache()
const tables = Array.from({ length: REQUESTS }, (_, i) => scan(benchRequest(i + 1)))
let next = 0

function scan(bytes: Uint8Array): SpanTable {
  const table = scanTraces(new Source(bytes), refs)
  if (!(table instanceof SpanTable)) throw new Error(table.message)
  return table
}

/** As a trace window hands it on: 512 spans, in pairs that stand together in one of eight requests, services by turns. */
function windowTable(seed: number): SpanTable {
  const table = new SpanTable(SPANS_PER_REQUEST)
  for (let i = 0; i < 8; i++) table.sources.push(tables[(seed + i) % REQUESTS]!.sources[0]!)
  table.resources.push(...tables[0]!.resources)
  table.scopes.push(...tables[0]!.scopes)
  for (let pair = 0; pair < SPANS_PER_REQUEST / 2; pair++) {
    const source = (pair >> 2) & 7
    const service = pair & 3
    for (let i = 0; i < 2; i++) {
      const row = table.addRowFrom(tables[(seed + source) % REQUESTS]!, service * 128 + ((pair * 2 + i) & 127))
      table.set(row, Column.source, source)
    }
  }
  return table
}

function mark(table: SpanTable, every: number): SpanEdits {
  const edits = new SpanEdits(table)
  for (let row = 0; row < table.count; row += every) {
    edits.appendToStringArray(row, 'blindspot.rules', 'CTX-001')
    edits.appendToStringArray(row, 'blindspot.causes', 'parent_never_ended')
  }
  return edits
}

const windows = Array.from({ length: REQUESTS }, (_, i) => windowTable(i))
const [whole, window] = [tables, windows]
const fewOfWhole = whole.map((table) => mark(table, 64))
const allOfWhole = whole.map((table) => mark(table, 1))
const fewOfWindow = window.map((table) => mark(table, 64))
const allOfWindow = window.map((table) => mark(table, 1))
const at = () => next++ & (REQUESTS - 1)

measure('one request, unchanged', SPANS_PER_REQUEST, () => encodeSpans(whole[at()]!, null))
for (const [name, tables, edits] of [
  ['one request, 1 span in 64 marked', whole, fewOfWhole],
  ['one request, every span marked', whole, allOfWhole],
  ['regrouped from 8 requests', window, null],
  ['regrouped, 1 span in 64 marked', window, fewOfWindow],
  ['regrouped, every span marked', window, allOfWindow],
] as const) {
  measure(name, SPANS_PER_REQUEST, () => {
    const i = at()
    encodeSpans(tables[i]!, edits?.[i] ?? null)
  })
}
measure('marking every span twice', SPANS_PER_REQUEST, () => mark(whole[at()]!, 1))
