import type { OtlpJson } from '../../support/otlp-oracle.ts'
import { attributeOf } from './load.ts'
import type { Random } from './random.ts'
import type { Recording } from './recording.ts'
import type { Source } from './span.ts'

/** What recordings have in common with real systems and lack: made up before they are broken, and healthy. */
export interface Variant {
  /** Spans tell whether their parent is remote, as newer SDKs do. */
  readonly flags: boolean
  /** Processes of each service; 1 leaves them as they were recorded. */
  readonly replicas: number
}

/** By the seed: half of the runs with flags, a third with three processes of each service. */
export function variantOf(seed: number): Variant {
  return { flags: seed % 2 === 1, replicas: seed % 3 === 2 ? 3 : 1 }
}

export function applyVariant(recording: Recording, { flags, replicas }: Variant, random: Random): void {
  if (replicas > 1) replicate(recording, replicas, random)
  if (flags)
    for (const span of recording.spans)
      span.flags = (span.flags ?? 1) | 0x100 | (span.parent !== null && !span.isLocal ? 0x200 : 0)
}

/** Hands each request that enters a service to one of its processes, which share the machine. */
export function replicate(recording: Recording, replicas: number, random: Random): void {
  const copies = new Map<Source, Source[]>()
  const processOf = new Map<object, number>()
  const servicesOn = new Map<string, Set<string>>()
  for (const { source } of recording.spans) {
    const host = attributeOf(source.resource, 'host.name')
    servicesOn.set(host, (servicesOn.get(host) ?? new Set()).add(source.service))
  }
  // All are looked up before one moves: what is local depends on where both are.
  const requests = recording.spans.map((span) => span.request)
  for (const [i, span] of recording.spans.entries()) {
    const request = requests[i]!
    let process = processOf.get(request)
    if (process === undefined) {
      process = random.below(replicas)
      processOf.set(request, process)
    }
    const host = attributeOf(span.source.resource, 'host.name')
    const isPod = servicesOn.get(host)!.size === 1
    span.source = replicasOf(copies, span.source, replicas, isPod)[process]!
  }
}

function replicasOf(copies: Map<Source, Source[]>, source: Source, replicas: number, isPod: boolean): Source[] {
  let list = copies.get(source)
  if (!list) {
    list = Array.from({ length: replicas }, (_, i) => replicaOf(source, i, isPod))
    copies.set(source, list)
  }
  return list
}

/** One of several processes: on the machine of the first, which its clock domain must go on to tell. */
function replicaOf(source: Source, process: number, isPod: boolean): Source {
  const given = Object.fromEntries(
    (source.resource.attributes as OtlpJson[]).map((attribute) => [String(attribute.key), attribute]),
  )
  const text = (key: string) => attributeOf(source.resource, key)
  const set = (key: string, value: string) => {
    given[key] = { key, value: { stringValue: value } }
  }
  if (isPod && text('host.name') !== '') set('host.name', `${text('host.name')}-${process}`)
  if (text('host.name') === '' && text('k8s.pod.name') !== '') set('k8s.node.name', text('k8s.pod.name'))
  set('service.instance.id', `${source.service}-${process}`)
  const resource = { ...source.resource, attributes: Object.values(given) }
  return { ...source, resource, instance: JSON.stringify(resource) }
}

/** Traces whose ids are 128 bits wide: those of older systems are zero above. */
export function widenTraceIds(recording: Recording, random: Random): void {
  const wide = new Map<string, string>()
  for (const span of recording.spans) {
    if (!span.traceId.startsWith('0'.repeat(16))) continue
    let id = wide.get(span.traceId)
    if (id === undefined) {
      id = random.traceId().slice(0, 16) + span.traceId.slice(16)
      wide.set(span.traceId, id)
    }
    span.traceId = id
  }
}
