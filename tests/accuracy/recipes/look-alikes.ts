import type { Call } from '../model/recording.ts'
import { Kind } from '../model/span.ts'
import { replicate } from '../model/variant.ts'
import { pickEdge, pickService, type Recipe, someOf } from './recipe.ts'

const SILENT = { causes: '', key: '', identifiable: 'nothing is broken' } as const

/** Twice the longest wait of the trace window. */
const LATE_MS = 40_000

/** One service whose exporter is far behind. */
export const lateExport: Recipe = {
  ...SILENT,
  name: 'late export',
  rule: '',
  what: 'all spans of one service arrive 40 s late, twice the window: nothing may be confirmed',
  inject(ground) {
    for (const span of pickService(ground, () => true) ?? []) span.delayMs = LATE_MS
    return []
  },
}

/** Zipkin's: the server joins the span of its client. */
export const sharedIds: Recipe = {
  ...SILENT,
  name: 'B3 shared ids',
  rule: '',
  what: 'client and server of an edge share one span id',
  inject(ground) {
    for (const { exit, entry } of someOf(ground, pickEdge(ground, (calls) => calls.every(isPair)) ?? [])) {
      entry.spanId = exit.spanId
      entry.parentId = exit.parentId
      if (entry.flags !== undefined && exit.flags !== undefined) entry.flags = exit.flags
      for (const child of entry.children) child.parentId = entry.spanId
    }
    return []
  },
}

/** A client and a server, or a producer and a consumer. */
function isPair({ exit, entry }: Call): boolean {
  return (
    (exit.kind === Kind.client && entry.kind === Kind.server) ||
    (exit.kind === Kind.producer && entry.kind === Kind.consumer)
  )
}

/** A consumer that begins a trace by design. */
export const linkedRoots: Recipe = {
  ...SILENT,
  name: 'linked roots',
  rule: '',
  what: 'calls of an edge begin a trace with a link to the caller',
  inject(ground) {
    for (const { exit, entry } of someOf(ground, pickEdge(ground) ?? [])) {
      entry.links = [{ traceId: exit.traceId, spanId: exit.spanId }]
      entry.beginTrace(ground.random.traceId())
    }
    return []
  },
}

/** A callee that sends its spans to another backend. */
export const silentCallee: Recipe = {
  ...SILENT,
  name: 'callee never seen',
  rule: '',
  what: 'a service that calls nobody sends its spans elsewhere',
  inject(ground) {
    const spans = pickService(ground, (own) => own.every((span) => span.children.every((child) => child.isLocal)))
    for (const span of spans ?? []) span.lost = true
    return []
  },
}

/** Edges of which both sides are seen in part, from which a partial view can be told; and what is missing in all, of parents and of answers. */
const EDGES_FROM = 2
const CALLS_FROM = 10
const MISSING_FROM = 20

export const twoGateways = splitView(2)
export const threeGateways = splitView(3)

/** One of several gateways behind a load balancer: each process has its connection to one of them. */
function splitView(gateways: number): Recipe {
  return {
    name: `split over ${gateways} gateways`,
    rule: 'GW-001',
    what: `each process of a service (6, 4 or 2 of each) sends to one of ${gateways} gateways; this is one of them`,
    causes: '`split_traffic`',
    key: 'the gateway',
    identifiable: `on at least ${EDGES_FROM} edges there are ${CALLS_FROM} entries with their parents and ${CALLS_FROM} without, and in all ${MISSING_FROM} parents and ${MISSING_FROM} answers are missing`,
    inject({ recording, random, share, taken }) {
      replicate(recording, share >= 1 ? 6 : share > 0.1 ? 4 : 2, random)
      const instances = random.shuffled([...new Set(recording.spans.map((span) => span.source.instance))].sort())
      const here = new Set(instances.filter((_, i) => i % gateways === 0))
      for (const span of recording.spans) span.lost = !here.has(span.source.instance)
      for (const service of recording.services) taken.add(service)
      const partial = [...recording.edges().values()].filter((calls) => {
        const seen = calls.filter(({ entry }) => !entry.lost)
        const whole = seen.filter(({ exit }) => !exit.lost).length
        return whole >= CALLS_FROM && seen.length - whole >= CALLS_FROM
      })
      const calls = [...recording.edges().values()].flat()
      const orphans = calls.filter(({ entry, exit }) => !entry.lost && exit.lost).length
      const unanswered = calls.filter(({ entry, exit }) => entry.lost && !exit.lost).length
      const identifiable = partial.length >= EDGES_FROM && orphans >= MISSING_FROM && unanswered >= MISSING_FROM
      const spans = recording.spans.filter((span) => !span.lost).slice(0, 1)
      return [
        {
          recipe: this.name,
          rules: ['GW-001'],
          causes: ['split_traffic'],
          place: { service: '', operation: null, edge: null },
          occurrences: [{ spans, identifiable }],
        },
      ]
    },
  }
}
