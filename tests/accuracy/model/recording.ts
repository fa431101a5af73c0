import { Span } from './span.ts'

/** A call between two services as both sides recorded it. */
export interface Call {
  readonly exit: Span
  readonly entry: Span
}

/** All spans of a recording, as a tree that recipes look at and break. */
export class Recording {
  readonly name: string
  readonly spans: Span[]

  constructor(name: string, spans: Span[]) {
    this.name = name
    this.spans = spans
  }

  /** The spans of other recordings are objects of their own: breaking this one leaves them whole. */
  fresh(): Recording {
    const copies = new Map(this.spans.map((span) => [span, new Span(span)]))
    for (const [span, copy] of copies) {
      copy.parent = span.parent && copies.get(span.parent)!
      for (const child of span.children) copy.children.push(copies.get(child)!)
    }
    return new Recording(this.name, [...copies.values()])
  }

  get services(): string[] {
    return [...new Set(this.spans.map((span) => span.service))].sort()
  }

  /** Calls by `from\0to`. */
  edges(): Map<string, Call[]> {
    const entries = this.spans.filter((span) => span.isEntry)
    return groupBy(
      entries.map((entry) => ({ exit: entry.parent!, entry })),
      ({ exit, entry }) => `${exit.service}\0${entry.service}`,
    )
  }

  /** Spans by service, name and kind. */
  operations(): Map<string, Span[]> {
    return groupBy(this.spans, operationOf)
  }

  /** The first start and the last end. */
  get times(): { readonly startNano: bigint; readonly endNano: bigint } {
    let { startNano, endNano } = this.spans[0]!
    for (const span of this.spans) {
      if (span.startNano < startNano) startNano = span.startNano
      if (span.endNano > endNano) endNano = span.endNano
    }
    return { startNano, endNano }
  }
}

export function operationOf(span: Span): string {
  return `${span.service}\0${span.name}\0${span.kind}`
}

export function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}

/** Puts the tree together by ids; a parent id that is not there stays one. */
export function linkTree(spans: readonly Span[]): void {
  const byId = new Map(spans.map((span) => [span.traceId + span.spanId, span]))
  for (const span of spans) {
    const parent = span.parentId === '' ? undefined : byId.get(span.traceId + span.parentId)
    if (!parent || parent === span) continue
    span.parent = parent
    parent.children.push(span)
  }
}
