import { readAttributes } from './attributes.ts'
import { hashBytes } from './hash.ts'
import type { AttributeValue, ResourceRef, ScopeRef } from './resource.ts'
import { WireReader, WireType } from './wire.ts'

const LIMIT = 4096

/**
 * Resources and scopes by the bytes of their heads, so that each is parsed once and equal bytes give the same object.
 * Heads are copied out of the request. At most `LIMIT` of each are kept; then the oldest goes first.
 */
export class RefCache {
  readonly #resources = new HeadMap<ResourceRef>()
  readonly #scopes = new HeadMap<ScopeRef>()

  resource(head: Uint8Array): ResourceRef {
    return this.#resources.get(head) ?? this.#resources.add(parseResource(head.slice()))
  }

  scope(head: Uint8Array): ScopeRef {
    return this.#scopes.get(head) ?? this.#scopes.add(parseScope(head.slice()))
  }
}

class HeadMap<T extends { readonly head: Uint8Array }> {
  /** By hash of the head; two heads of one hash share a list. */
  readonly #byHash = new Map<number, T[]>()

  get(head: Uint8Array): T | undefined {
    const list = this.#byHash.get(hashBytes(head, 0, head.length))
    return list?.find((ref) => Buffer.compare(ref.head, head) === 0)
  }

  add(ref: T): T {
    const hash = hashBytes(ref.head, 0, ref.head.length)
    const list = this.#byHash.get(hash)
    if (list) list.push(ref)
    else this.#byHash.set(hash, [ref])
    if (this.#byHash.size > LIMIT) this.#byHash.delete(this.#byHash.keys().next().value!)
    return ref
  }
}

/**
 *     ResourceSpans  1 resource      Resource  1 attributes
 */
function parseResource(head: Uint8Array): ResourceRef {
  const attributes = new Map<string, AttributeValue>()
  forEachMessage(head, 0, head.length, 1, (start, end) => readAttributes(head, start, end, 1, attributes))
  const text = (key: string) => {
    const value = attributes.get(key)
    return value === undefined || value === '' ? null : String(value)
  }
  const host = text('host.name')
  const process = text('process.pid')
  return {
    head,
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
 *     ScopeSpans  1 scope      InstrumentationScope  1 name, 2 version
 */
function parseScope(head: Uint8Array): ScopeRef {
  let name = ''
  let version = ''
  forEachMessage(head, 0, head.length, 1, (start, end) => {
    forEachMessage(head, start, end, 1, (from, to) => {
      name = utf8(head, from, to)
    })
    forEachMessage(head, start, end, 2, (from, to) => {
      version = utf8(head, from, to)
    })
  })
  return { head, name, version }
}

/** Calls `visit` with the range of each length-delimited field of that number. */
function forEachMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  field: number,
  visit: (start: number, end: number) => void,
): void {
  const reader = new WireReader(bytes)
  reader.at = start
  reader.end = end
  while (reader.next()) {
    if (reader.field !== field || reader.type !== WireType.bytes) {
      reader.skip()
      continue
    }
    const to = reader.lengthEnd()
    visit(reader.at, to)
    reader.at = to
  }
}

function utf8(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
}
