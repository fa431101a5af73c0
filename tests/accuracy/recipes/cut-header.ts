import type { Random } from '../model/random.ts'
import { type Call, groupBy } from '../model/recording.ts'
import type { Source } from '../model/span.ts'
import { type Break, FEWEST } from '../model/truth.ts'
import { type Ground, pickEdge, type Recipe, someOf } from './recipe.ts'

const WHAT = 'cut header: the subtree of the callee gets a new trace id and a root'
const KEY = 'edge'
const IDENTIFIABLE = `the caller's span has no other child, and at least ${FEWEST} calls of the edge and operation are cut; the span is still a root when the other recipes of the run are through`

/** On one edge: something between the two takes the headers away. */
export const cutEdge: Recipe = {
  name: 'cut header, one edge',
  rule: 'CTX-002',
  what: WHAT,
  causes:
    '`stripped_on_the_way`; also what is the same thing where the caller calls, or the callee serves, nobody else; `undetermined` where that share would have spared all other calls of the caller, or to the callee, more than one time in twenty; `format_mismatch` where the two sides have different scopes',
  key: KEY,
  identifiable: IDENTIFIABLE,
  inject(ground) {
    const calls = pickEdge(ground)
    if (calls === null) return []
    const { from, to } = endsOf(calls)
    const others = [...ground.recording.edges().values()].flat().map((call) => endsOf([call]))
    const toOthers = others.filter((call) => call.from === from && call.to !== to).length
    const fromOthers = others.filter((call) => call.to === to && call.from !== from).length
    const { exit, entry } = calls[0]!
    const sameScope = exit.source.scope.name === entry.source.scope.name
    const causes = [
      'stripped_on_the_way',
      ...(sameScope ? [] : ['format_mismatch']),
      ...(toOthers > 0 ? [] : ['caller_does_not_inject']),
      ...(fromOthers > 0 ? [] : ['callee_does_not_extract']),
      ...(isSpared(toOthers, ground.share) || isSpared(fromOthers, ground.share) ? ['undetermined'] : []),
    ]
    return cut(this.name, causes, someOf(ground, calls), ground.random)
  },
}

/** One time in twenty. */
const BY_CHANCE = 0.05

/** Whether so many calls may all be whole by chance, although they too lose that share: then they tell nothing. */
function isSpared(calls: number, share: number): boolean {
  return (1 - share) ** calls > BY_CHANCE
}

/** On all edges out of a service that calls several. */
export const cutCaller: Recipe = {
  name: 'cut header, all out of a caller',
  rule: 'CTX-002',
  what: `${WHAT}, on all edges out of a service`,
  causes: '`caller_does_not_inject`; for a part of the calls also `undetermined`',
  key: KEY,
  identifiable: IDENTIFIABLE,
  inject(ground) {
    return cutAround(ground, this.name, 'from', 'caller_does_not_inject')
  },
}

/** On all edges into a service that several call. */
export const cutCallee: Recipe = {
  name: 'cut header, all into a callee',
  rule: 'CTX-002',
  what: `${WHAT}, on all edges into a service`,
  causes: '`callee_does_not_extract`; for a part of the calls also `undetermined`',
  key: KEY,
  identifiable: IDENTIFIABLE,
  inject(ground) {
    return cutAround(ground, this.name, 'to', 'callee_does_not_extract')
  },
}

/** One side of an edge speaks OpenCensus, the other OpenTelemetry. */
export const formatMismatch: Recipe = {
  name: 'cut header, two formats',
  rule: 'CTX-002',
  what: `${WHAT}, on an edge whose sides have scopes of OpenCensus and OpenTelemetry`,
  causes: '`format_mismatch`; for a part of the calls also `stripped_on_the_way` and `undetermined`',
  key: KEY,
  identifiable: IDENTIFIABLE,
  inject(ground) {
    const calls = pickEdge(ground)
    if (calls === null) return []
    const broken = someOf(ground, calls)
    const scopes = ground.random.shuffled([
      'go.opencensus.io/plugin/ocgrpc',
      'go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc',
    ])
    const sources = new Map<Source, Source>()
    for (const { exit, entry } of calls)
      for (const [span, name] of [
        [exit, scopes[0]!],
        [entry, scopes[1]!],
      ] as const)
        span.source = scoped(sources, span.source, name)
    const causes = ['format_mismatch', ...(ground.share < 1 ? ['stripped_on_the_way', 'undetermined'] : [])]
    return cut(this.name, causes, broken, ground.random)
  },
}

function scoped(sources: Map<Source, Source>, source: Source, name: string): Source {
  let changed = sources.get(source)
  if (!changed) {
    changed = { ...source, scope: { ...source.scope, name } }
    sources.set(source, changed)
  }
  return changed
}

function cutAround(ground: Ground, recipe: string, side: 'from' | 'to', cause: string): Break[] {
  const around = [
    ...groupBy([...ground.recording.edges().values()].flat(), (call) => endsOf([call])[side]).values(),
  ].filter((calls) => {
    const others = new Set(calls.map((call) => endsOf([call])[side === 'from' ? 'to' : 'from']))
    const touched = calls.flatMap(({ exit, entry }) => [exit.service, entry.service])
    return others.size > 1 && !touched.some((service) => ground.taken.has(service))
  })
  if (around.length === 0) return []
  const calls = ground.random.pick(around)
  for (const { entry } of calls) ground.taken.add(entry.service)
  const causes = [cause, ...(ground.share < 1 ? ['undetermined'] : [])]
  return cut(recipe, causes, someOf(ground, calls), ground.random)
}

/** Cuts the calls and says what must be found of each edge. */
export function cut(recipe: string, causes: readonly string[], calls: readonly Call[], random: Random): Break[] {
  const byEdge = groupBy(calls, ({ exit, entry }) => `${exit.service}\0${entry.service}`)
  return [...byEdge.values()].map((own) => {
    const ofOperation = groupBy(own, ({ entry }) => entry.name)
    const occurrences = own.map(({ exit, entry }) => {
      const fewest = ofOperation.get(entry.name)!.length
      const identifiable = exit.children.length === 1 && fewest >= FEWEST
      return { spans: [entry], needs: [exit], identifiable, stands: () => entry.parentId === '' }
    })
    for (const { entry } of own) entry.beginTrace(random.traceId())
    const { from, to } = endsOf(own)
    return {
      recipe,
      rules: ['CTX-002'],
      causes,
      place: { service: to, operation: null, edge: { from, to } },
      occurrences,
    }
  })
}

function endsOf(calls: readonly Call[]): { from: string; to: string } {
  return { from: calls[0]!.exit.service, to: calls[0]!.entry.service }
}
