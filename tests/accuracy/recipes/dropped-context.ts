import { Kind, Span } from '../model/span.ts'
import { type Break, FEWEST } from '../model/truth.ts'
import { isBeyondChance } from './busy.ts'
import { type Ground, pickOperation, type Recipe, someOf } from './recipe.ts'

const KEY = 'service and operation of the new root'

/** http.Get instead of a request with ctx. */
export const callWithoutContext: Recipe = {
  name: 'call without context',
  rule: 'CTX-003',
  what: 'calls of other services are made with context.Background(): they begin a trace, with all below them',
  causes: '`call_without_context`',
  key: KEY,
  identifiable: `the span has a kind, or others of its operation still have a parent; a request was served when it began, and not always when nothing of it happens (in a process that is always busy every span begins in some request); at least ${FEWEST}`,
  inject(ground) {
    const spans = pickOperation(ground, (span) => span.request.isServed && span.isLocal && isCall(span))
    if (spans === null) return []
    return detach(ground, this.name, 'call_without_context', spans, someOf(ground, spans))
  },
}

/** go func() { context.Background() }, which goes on when the request has been answered. */
export const detachedGoroutine: Recipe = {
  name: 'detached goroutine',
  rule: 'CTX-003',
  what: 'work moves into a goroutine with context.Background(): an INTERNAL span around it begins a trace inside the request and ends after it',
  causes: '`detached_goroutine`',
  key: KEY,
  identifiable: `a request was served when it began, and the process is not always busy; at least ${FEWEST}`,
  inject(ground) {
    const { recording, random } = ground
    const calls = pickOperation(ground, (span) => span.parent === span.request && span.parent.isServed && isCall(span))
    if (calls === null) return []
    const name = `${calls[0]!.name} later`
    const workers = calls.map((call) => {
      const worker = new Span({ ...call, name, kind: Kind.internal, spanId: random.spanId(), body: EMPTY })
      worker.traceState = call.traceState
      call.parent!.adopt(worker)
      worker.adopt(call)
      recording.spans.push(worker)
      return worker
    })
    const broken = someOf(ground, workers)
    for (const worker of broken) {
      const request = worker.parent!
      const length = worker.endNano - worker.startNano
      // It starts in the last tenth of the request, and is at work when that has been answered.
      const tenth = (request.endNano - request.startNano) / 10n
      const start = request.endNano - BigInt(Math.round(Number(tenth) * random.next()))
      worker.postpone(start - worker.startNano)
      if (worker.endNano <= request.endNano) worker.endNano = request.endNano + length
    }
    return detach(ground, this.name, 'detached_goroutine', workers, broken)
  },
}

const EMPTY = { rest: new Uint8Array(0), events: [] }

/** A span for a call of another process: by its kind, or because another service answers it. */
function isCall(span: Span): boolean {
  return span.kind === Kind.client || span.kind === Kind.producer || (span.kind === Kind.unspecified && span.isExit)
}

function detach(
  { random, recording }: Ground,
  recipe: string,
  cause: string,
  all: readonly Span[],
  broken: readonly Span[],
): Break[] {
  const first = broken[0]!
  const isKnown = first.kind !== Kind.unspecified || broken.length < all.length
  const isTelling = isKnown && broken.length >= FEWEST && isBeyondChance(recording, broken)
  const occurrences = broken.map((span) => {
    const { request } = span
    const serving = request !== span && span.startNano >= request.startNano && span.startNano <= request.endNano
    return { spans: [span], needs: [request], identifiable: serving && isTelling }
  })
  for (const span of broken) span.beginTrace(random.traceId())
  const place = { service: first.service, operation: first.name, edge: null }
  return [{ recipe, rules: ['CTX-003'], causes: [cause], place, occurrences }]
}
