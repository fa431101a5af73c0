import type { OtlpJson } from '../../support/otlp-oracle.ts'

/** Who sent a span: one resource and one scope. */
export interface Source {
  readonly service: string
  /** Of the sending process: all sources with the same one share an exporter. */
  readonly instance: string
  readonly resource: OtlpJson
  readonly scope: OtlpJson
}

/** What no recipe looks into: shared by all copies of a span. */
export interface Body {
  /** Attributes, status and counts of what was dropped, encoded. */
  readonly rest: Uint8Array
  readonly events: readonly OtlpJson[]
}

export type Link = { readonly traceId: string; readonly spanId: string }

/** Of OTLP, by number: 0 is what an SDK sends that sets no kind. */
export const Kind = { unspecified: 0, internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const

/** Bits of `flags`: whether it is known that the parent is remote, and whether it is. */
const HAS_REMOTE = 0x100
const IS_REMOTE = 0x200

/** The fields of a span that a recipe may change. Times are true ones; what its clock adds is `clockNano`. */
export interface SpanFields {
  source: Source
  traceId: string
  spanId: string
  /** Empty for a root. */
  parentId: string
  name: string
  kind: number
  startNano: bigint
  endNano: bigint
  /** Undefined where the SDK sends none. */
  flags: number | undefined
  traceState: string
  links: readonly Link[]
  body: Body
}

/** One span of a recording that is about to be broken. The tree is that of the unbroken recording. */
export class Span implements SpanFields {
  source: Source
  traceId: string
  spanId: string
  parentId: string
  name: string
  kind: number
  startNano: bigint
  endNano: bigint
  flags: number | undefined
  traceState: string
  links: readonly Link[]
  body: Body
  parent: Span | null = null
  readonly children: Span[] = []
  /** What the clock of the process shows more than the true time. */
  clockNano = 0n
  /** How much later it happens than it was recorded. */
  postponedNano = 0n
  /** Never arrives at the gateway. */
  lost = false
  /** How much later than usual it is exported. */
  delayMs = 0
  /** How long after its export it is exported again. */
  againAfterMs: number | null = null

  constructor(fields: SpanFields) {
    this.source = fields.source
    this.traceId = fields.traceId
    this.spanId = fields.spanId
    this.parentId = fields.parentId
    this.name = fields.name
    this.kind = fields.kind
    this.startNano = fields.startNano
    this.endNano = fields.endNano
    this.flags = fields.flags
    this.traceState = fields.traceState
    this.links = fields.links
    this.body = fields.body
  }

  get service(): string {
    return this.source.service
  }

  /** Entered from another service. */
  get isEntry(): boolean {
    return this.parent !== null && this.parent.service !== this.service
  }

  /** What its service was asked for from outside: jobs and timers are not. */
  get isServed(): boolean {
    if (this.kind === Kind.unspecified) return this.parent === null || this.isEntry
    return this.kind === Kind.server || this.kind === Kind.consumer
  }

  /** Has a parent in the same process. */
  get isLocal(): boolean {
    return this.parent !== null && this.parent.source.instance === this.source.instance
  }

  /** A call of another service that answers with spans. */
  get isExit(): boolean {
    return this.children.some((child) => child.isEntry)
  }

  /** The span of the same process in which it began: what its service was asked for. */
  get request(): Span {
    let span: Span = this
    while (span.parent !== null && span.isLocal) span = span.parent
    return span
  }

  *subtree(): Generator<Span> {
    yield this
    for (const child of this.children) yield* child.subtree()
  }

  adopt(child: Span): void {
    child.parent?.children.splice(child.parent.children.indexOf(child), 1)
    child.parent = this
    child.parentId = this.spanId
    this.children.push(child)
  }

  /** Names another parent on the wire; the tree stays as it truly is. */
  claimParent(parentId: string, remote: boolean): void {
    this.parentId = parentId
    if (this.flags !== undefined) this.flags = (this.flags & ~IS_REMOTE) | HAS_REMOTE | (remote ? IS_REMOTE : 0)
  }

  /** Begins a trace of its own, with all that truly is below it. */
  beginTrace(traceId: string): void {
    this.moveTo(traceId)
    this.claimParent('', false)
  }

  moveTo(traceId: string): void {
    const from = this.traceId
    for (const span of this.subtree()) if (span.traceId === from) span.traceId = traceId
  }

  /** Happens later, with all that is below it. */
  postpone(byNano: bigint): void {
    for (const span of this.subtree()) {
      span.postponedNano += byNano
      span.startNano += byNano
      span.endNano += byNano
    }
  }
}
