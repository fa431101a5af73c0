import type { Report } from '../../findings/report/report-schema.ts'
import { quantile } from './figures.ts'
import { clockDomains } from './model/clock-domains.ts'
import { groupBy, type Recording } from './model/recording.ts'
import type { Span } from './model/span.ts'
import { usualOffsetNano } from './model/usual-offset.ts'

/** By how much estimated offsets of clocks were wrong in one run. */
export interface ClockErrors {
  /** Of those spans whose offset was said: the quantiles of the error from 0 to 100 %; empty where there are none. */
  readonly percentilesNano: readonly number[]
  /** Of those errors. */
  readonly sumNano: number
  readonly spans: number
  /** Spans of whose clock nothing was said. */
  readonly unsaid: number
}

type Clocks = Report['clocks']

/**
 * Against a shift that was injected: at each span of the clock that is wrong, by how much the estimate moved from that of
 * the unbroken recording, less what was added. Does not ask whether calls take as long there as back. Null where no clock
 * is wrong.
 */
export function shiftErrors(broken: Recording, before: Clocks, after: Clocks): ClockErrors | null {
  const domains = clockDomains(broken)
  const wrong = broken.spans.find(({ clockNano }) => clockNano !== 0n)
  if (wrong === undefined) return null
  const domain = domains.get(wrong)!
  const reference = largestBeside(domain, broken.spans, domains)
  const spans = broken.spans.filter((span) => domains.get(span) === domain)
  return errorsOf(spans, (span) => {
    const was = aheadNano(before, domain, reference, span.startNano)
    const is = aheadNano(after, domain, reference, span.startNano + span.clockNano)
    return was === null || is === null ? null : is - was - Number(span.clockNano)
  })
}

/**
 * What remains at each span of a recording as it is: the estimate against the median over the middles of all calls between
 * two clocks. Both take it that calls take as long there as back.
 */
export function residualErrors(recording: Recording, clocks: Clocks): ClockErrors {
  const domains = clockDomains(recording)
  const between = recording.spans.filter((span) => span.parent && domains.get(span) !== domains.get(span.parent))
  const reference = largestBeside(null, recording.spans, domains)
  const usual = new Map(
    [...new Set(domains.values())].map((domain) => [domain, usualOffsetNano(between, domains, domain, reference)]),
  )
  const spans = recording.spans.filter(
    (span) => domains.get(span) !== reference && usual.get(domains.get(span)!) !== null,
  )
  return errorsOf(spans, (span) => {
    const domain = domains.get(span)!
    const is = aheadNano(clocks, domain, reference, span.startNano)
    return is === null ? null : is - usual.get(domain)!
  })
}

/** Several runs in one: the percentiles are those of all their spans. */
export function pooled(runs: readonly ClockErrors[]): ClockErrors {
  const said = runs.filter(({ percentilesNano }) => percentilesNano.length > 0)
  const weighted = said.flatMap(({ percentilesNano, spans, unsaid }) =>
    percentilesNano.map((nano) => ({ nano, weight: (spans - unsaid) / percentilesNano.length })),
  )
  weighted.sort((a, b) => a.nano - b.nano)
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0)
  const percentilesNano: number[] = []
  let passed = 0
  for (const { nano, weight } of weighted) {
    passed += weight
    while (percentilesNano.length <= 100 && passed >= (percentilesNano.length / 100) * total * (1 - 1e-9))
      percentilesNano.push(nano)
  }
  return { percentilesNano, sumNano: sum(runs, 'sumNano'), spans: sum(runs, 'spans'), unsaid: sum(runs, 'unsaid') }
}

export function meanNano({ sumNano, spans, unsaid }: ClockErrors): number {
  return sumNano / (spans - unsaid)
}

function sum(runs: readonly ClockErrors[], of: 'sumNano' | 'spans' | 'unsaid'): number {
  return runs.reduce((total, run) => total + run[of], 0)
}

function errorsOf(spans: readonly Span[], errorNano: (span: Span) => number | null): ClockErrors {
  const errors = spans.map(errorNano).filter((nano) => nano !== null)
  const sizes = errors.map((nano) => Math.abs(nano)).sort((a, b) => a - b)
  const percentilesNano = sizes.length === 0 ? [] : Array.from({ length: 101 }, (_, i) => quantile(sizes, i / 100))
  const sumNano = sizes.reduce((total, nano) => total + nano, 0)
  return { percentilesNano, sumNano, spans: spans.length, unsaid: spans.length - errors.length }
}

/** The clock with most spans, beside that one. */
function largestBeside(domain: string | null, spans: readonly Span[], domains: ReadonlyMap<Span, string>): string {
  const others = [...groupBy(spans, (span) => domains.get(span)!)].filter(([other]) => other !== domain)
  return others.reduce((most, one) => (one[1].length > most[1].length ? one : most))[0]
}

/** How far one clock is said to be ahead of another at a time, or in the nearest segments; null where that is not said. */
function aheadNano(clocks: Clocks, domain: string, other: string, atNano: bigint): number | null {
  const own = nearest(clocks, domain, atNano)
  const its = nearest(clocks, other, atNano)
  return own && its && own.reference === its.reference ? own.offset_nano - its.offset_nano : null
}

function nearest(clocks: Clocks, domain: string, atNano: bigint): Clocks[number] | null {
  const distance = (row: Clocks[number]) => {
    const [from, until] = [BigInt(row.from_unix_nano), BigInt(row.until_unix_nano)]
    return Number(atNano < from ? from - atNano : atNano > until ? atNano - until : 0n)
  }
  let best: Clocks[number] | null = null
  for (const row of clocks)
    if (row.members.includes(domain) && (best === null || distance(row) < distance(best))) best = row
  return best
}
