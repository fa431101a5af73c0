import type { Span } from '../recording.ts'
import { isEntry, isRoot, type SignatureOf, share, type View } from '../view.ts'

/** How spans of each edge's caller are told, as long as nothing connects them to their callee. */
const CALLS: Readonly<Record<string, (span: Span) => boolean>> = {
  'edge cart': (span) => span.service === 'edge' && span.name.startsWith('shop.Cart/'),
  'edge inventory': (span) => span.service === 'edge' && span.name.startsWith('shop.Inventory/'),
  'edge checkout': (span) => span.service === 'edge' && span.kind === 'client' && span.name.startsWith('HTTP '),
  'checkout inventory': (span) => span.service === 'checkout' && span.name.startsWith('shop.Inventory/'),
  'checkout payment': (span) => span.service === 'checkout' && span.kind === 'client' && span.name.startsWith('HTTP '),
  'checkout shipping': (span) => span.service === 'checkout' && span.kind === 'producer',
  'shipping inventory': (span) => span.service === 'shipping' && span.name.startsWith('Attempt.'),
}

function calls(view: View, from: string, to: string): readonly Span[] {
  const belongs = CALLS[`${from} ${to}`]
  if (!belongs) throw new Error(`no way to tell the calls of ${from} to ${to}`)
  return view.spans.filter(belongs)
}

function isConnected(view: View, call: Span, callee: string): boolean {
  return view.children(call).some((child) => child.service === callee && isEntry(child))
}

/** §5 rows 1, 8, 9, 12: callers' spans without child while the callee's entry spans are roots without link. */
function lostOn(
  edges: readonly (readonly [from: string, to: string])[],
  only: (span: Span) => boolean = () => true,
): SignatureOf {
  return (view) => {
    const all = edges.flatMap(([from, to]) =>
      calls(view, from, to)
        .filter(only)
        .map((call) => ({ call, to })),
    )
    const lost = all.filter(({ call, to }) => !isConnected(view, call, to)).length
    const callees = new Set(edges.map(([, to]) => to))
    const roots = view.spans.filter(
      (span) => callees.has(span.service) && isEntry(span) && isRoot(span) && span.links === 0,
    )
    const names = edges.map(([from, to]) => `${from}→${to}`).join(', ')
    const found = share(`calls ${names} without child, ${roots.length} roots at the callee`, lost, all.length, 0.95)
    return { ...found, shown: found.shown && roots.length >= lost * 0.9 }
  }
}

/** The edges that must go on working while another is broken. */
function butConnected(broken: SignatureOf, edges: readonly (readonly [from: string, to: string])[]): SignatureOf {
  return (view, fault) => {
    const found = broken(view, fault)
    const lost = edges.flatMap(([from, to]) => calls(view, from, to).filter((call) => !isConnected(view, call, to)))
    return {
      ...found,
      shown: found.shown && lost.length === 0,
      what: `${found.what}; ${lost.length} lost on the edges that must not break`,
    }
  }
}

/** Orphans whose parent was elsewhere (remote) or in the same process, of the spans of a service. */
function orphansOf(
  service: string,
  remote: boolean,
  belongs: (span: Span) => boolean,
  atLeast: number,
  atMost = 1,
): SignatureOf {
  return (view) => {
    const all = view.of(service).filter((span) => belongs(span) && !isRoot(span))
    const orphans = view.orphans(all)
    const right = orphans.filter((span) => span.remoteParent === remote)
    const found = share(
      `orphans of ${service} with remote=${remote} (${orphans.length} in all)`,
      right.length,
      all.length,
      atLeast,
    )
    return { ...found, shown: found.shown && right.length <= all.length * atMost }
  }
}

/** §5 row 3: a root of that name and kind that starts while its process serves a request; some start just after. */
function rootsWhileServing(service: string, belongs: (span: Span) => boolean): SignatureOf {
  return (view) => {
    const all = view.of(service).filter(belongs)
    const serving = view.of(service).filter((span) => span.kind === 'server')
    const inside = all.filter(
      (span) =>
        isRoot(span) &&
        span.remoteParent !== true &&
        serving.some(
          (server) =>
            server.instance === span.instance && server.startNano <= span.startNano && span.startNano <= server.endNano,
        ),
    )
    return share(`roots of ${service} inside a request of the same instance`, inside.length, all.length, 0.8)
  }
}

const truncated: SignatureOf = (view) => {
  const all = view.of('payment').filter(isEntry)
  const cut = all.filter((span) => {
    if (!span.traceId.startsWith('0'.repeat(16))) return false
    return view.spans.some(
      (other) =>
        other.traceId !== span.traceId &&
        other.traceId.endsWith(span.traceId.slice(16)) &&
        other.spanId === span.parentId,
    )
  })
  return share('payment spans under a zero-padded id whose parent is in the full one', cut.length, all.length, 0.95)
}

const contextReused: SignatureOf = (view) => {
  const all = view.of('shipping', 'job.restock')
  const late = all.filter((span) => {
    const parent = view.parent(span)
    return parent?.name === 'job.restock' && parent.endNano < span.startNano
  })
  const parents = new Set(late.map((span) => span.parentId))
  const found = share(
    `rounds below a round that ended long before, ${parents.size} parent`,
    late.length,
    all.length,
    0.8,
  )
  return { ...found, shown: found.shown && parents.size === 1 }
}

const siblingParent: SignatureOf = (view) => {
  const all = view.of('checkout', 'order.price')
  const wrong = all.filter((span) => {
    const parent = view.parent(span)
    return parent?.name === 'order.validate' && parent.endNano <= span.startNano
  })
  return share('order.price below the finished order.validate', wrong.length, all.length, 0.95)
}

const doubleInstrumentation: SignatureOf = (view) => {
  const all = view.of('cart', /^shop\.Cart\//).filter((span) => span.scope.endsWith('otelgrpc'))
  const twins = all.filter((span) => {
    const parent = view.parent(span)
    return (
      parent !== undefined &&
      view
        .children(parent)
        .filter((child) => child.service === 'cart' && child.kind === 'server' && child.name === span.name).length === 2
    )
  })
  return share('calls with two SERVER spans of one method below one CLIENT span', twins.length, all.length, 0.95)
}

const tracestateDropped: SignatureOf = (view) => {
  const all = view.of('checkout').filter(isEntry)
  const dropped = all.filter((span) => span.traceState === '' && view.parent(span)?.traceState.includes('ot=th:'))
  return share('checkout spans without the ot= that their caller has', dropped.length, all.length, 0.95)
}

/** §5 row 14: orphans whose parents' process lost its queue, in time with the crashes. */
const crash: SignatureOf = (view, fault) => {
  const orphans = view.orphans(view.spans)
  const services = new Set(orphans.map((span) => span.service))
  return {
    seen: orphans.length,
    of: view.spans.length,
    shown: orphans.length > 1 && fault.strikes > 0,
    what: `orphans in ${[...services].sort().join(', ')} after ${fault.strikes} crashes`,
  }
}

const any = (): boolean => true

export const propagation: Readonly<Record<string, SignatureOf>> = {
  no_propagator: butConnected(
    lostOn([
      ['edge', 'cart'],
      ['edge', 'checkout'],
      ['edge', 'inventory'],
    ]),
    [['checkout', 'payment']],
  ),
  no_extract: butConnected(
    lostOn([
      ['edge', 'inventory'],
      ['checkout', 'inventory'],
      ['shipping', 'inventory'],
    ]),
    [['edge', 'cart']],
  ),
  request_without_ctx: rootsWhileServing('checkout', (span) => span.kind === 'client' && span.name.startsWith('HTTP ')),
  detached_goroutine: rootsWhileServing('cart', (span) => span.name === 'cart.recalculate'),
  proxy_new_parent: orphansOf('checkout', true, isEntry, 0.95),
  proxy_strip: butConnected(
    lostOn([['edge', 'checkout']], (span) => span.name === 'HTTP GET'),
    [['edge', 'cart']],
  ),
  format_mismatch: butConnected(
    lostOn([
      ['edge', 'inventory'],
      ['checkout', 'inventory'],
    ]),
    [['shipping', 'inventory']],
  ),
  format_mismatch_b3: butConnected(lostOn([['edge', 'cart']]), [['edge', 'inventory']]),
  truncate64: truncated,
  kafka_headers_dropped: lostOn([['checkout', 'shipping']]),
  sampler_mismatch: orphansOf('payment', true, isEntry, 0.3, 0.7),
  queue_overflow: orphansOf('cart', false, any, 0.01),
  crash_without_flush: crash,
  context_reused: contextReused,
  sibling_parent: siblingParent,
  double_instrumentation: doubleInstrumentation,
  tracestate_dropped: tracestateDropped,
}
