import { attributeOf } from './load.ts'
import { groupBy, type Recording } from './recording.ts'
import type { Span } from './span.ts'

/**
 * The clock of each span's process, by the attributes of its resource: host.id, else k8s.node.name, else host.name (unless
 * it is the pod's, or only one service instance has it), else host.ip, else the process itself.
 */
export function clockDomains(recording: Recording): Map<Span, string> {
  const read = ({ source }: Span, key: string) => attributeOf(source.resource, key)
  const onHost = groupBy(recording.spans, (span) => read(span, 'host.name'))
  const shared = new Set(
    [...onHost]
      .filter(([, spans]) => new Set(spans.map((span) => span.source.instance)).size > 1)
      .map(([host]) => host),
  )
  return new Map(
    recording.spans.map((span) => {
      const host = read(span, 'host.name')
      const isMachine = host !== '' && host !== read(span, 'k8s.pod.name') && shared.has(host)
      const domain =
        read(span, 'host.id') ||
        read(span, 'k8s.node.name') ||
        (isMachine ? host : '') ||
        ipOf(span) ||
        read(span, 'service.instance.id') ||
        read(span, 'k8s.pod.name')
      return [span, domain]
    }),
  )
}

/** The first of several. */
function ipOf({ source }: Span): string {
  const text = attributeOf(source.resource, 'host.ip')
  if (text !== '') return text
  const attributes = (source.resource.attributes ?? []) as readonly { key: string; value: { arrayValue?: unknown } }[]
  const list = attributes.find(({ key }) => key === 'host.ip')?.value.arrayValue as
    | { values?: readonly { stringValue?: string }[] }
    | undefined
  return list?.values?.[0]?.stringValue ?? ''
}
