import { type AttributeValue, eachMessage, readAttributes } from './any-value.ts'
import { hashInt32 } from './hash.ts'
import { utf8 } from './wire.ts'

export type { AttributeValue } from './any-value.ts'

/**
 * One resource as it came: the bytes of its ResourceSpans (or ResourceMetrics, ResourceLogs) without the scope entries,
 * and its attributes, parsed once. Equal bytes give the same object as long as it is cached, so that a stage may key its
 * own state by it.
 */
export interface ResourceRef {
  /** Of all resources that were parsed, the how manieth: what is kept of resources may be found by it. */
  readonly serial: number
  /** Fields 1 (resource), 3 (schema_url) and unknown ones, concatenated in their order. */
  readonly head: Uint8Array
  readonly headHash: number
  readonly attributes: ReadonlyMap<string, AttributeValue>
  /** `service.name`, or `unknown_service` as the specification has it where there is none. */
  readonly serviceName: string
  /** `service.instance.id`, else `k8s.pod.uid`, else `k8s.pod.name`, else `host.name` with `process.pid`, else ''. */
  readonly instance: string
}

/** One instrumentation scope as it came: the bytes of its ScopeSpans without the spans, and its name and version. */
export interface ScopeRef {
  readonly head: Uint8Array
  readonly headHash: number
  readonly name: string
  readonly version: string
  readonly attributes: ReadonlyMap<string, AttributeValue>
}

let parsedResources = 0

/**
 * A resource that stands twice is merged, as protobuf has it.
 *
 *     ResourceSpans  1 resource      Resource  1 attributes
 */
export function parseResource(head: Uint8Array): ResourceRef {
  const attributes = new Map<string, AttributeValue>()
  eachMessage(head, 0, head.length, 1, (start, end) => readAttributes(head, start, end, 1, attributes))
  const text = (key: string) => {
    const value = attributes.get(key)
    return value === undefined || value === '' ? null : String(value)
  }
  const host = text('host.name')
  const process = text('process.pid')
  return {
    serial: parsedResources++,
    head,
    headHash: hashInt32(head, 0, head.length),
    attributes,
    serviceName: text('service.name') ?? 'unknown_service',
    instance:
      text('service.instance.id') ??
      text('k8s.pod.uid') ??
      text('k8s.pod.name') ??
      (host ? (process ? `${host}/${process}` : host) : ''),
  }
}

/**
 *     ScopeSpans  1 scope      InstrumentationScope  1 name, 2 version, 3 attributes
 */
export function parseScope(head: Uint8Array): ScopeRef {
  const attributes = new Map<string, AttributeValue>()
  let name = ''
  let version = ''
  eachMessage(head, 0, head.length, 1, (start, end) => {
    eachMessage(head, start, end, 1, (from, to) => {
      name = utf8(head, from, to)
    })
    eachMessage(head, start, end, 2, (from, to) => {
      version = utf8(head, from, to)
    })
    readAttributes(head, start, end, 3, attributes)
  })
  return { head, headHash: hashInt32(head, 0, head.length), name, version, attributes }
}
