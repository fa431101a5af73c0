import type { Span } from '../recording.ts'
import { durationMs, median, millis, type SignatureOf, share, type View } from '../view.ts'
import { overrunMs } from './lifetime.ts'

const tlsSlow: SignatureOf = (view) => {
  const all = view.of('checkout', 'http.tls')
  return share(
    `handshakes above 200 ms (median ${median(all.map(durationMs)).toFixed(0)} ms)`,
    all.filter((span) => durationMs(span) > 200).length,
    all.length,
    0.8,
  )
}

const certExpiring: SignatureOf = (view) => {
  const all = view.values('prober', 'httpcheck.tls.cert_remaining')
  // The first probe after the switch may still be the old one.
  return share(
    'points with less than three days left, the lifetime 90',
    all.filter((seconds) => seconds < 3 * 86_400 && seconds > 86_400).length,
    all.length,
    0.6,
  )
}

const certRenewalStuck: SignatureOf = (view) => {
  const all = view.series('payment', 'certmanager_certificate_renewal_timestamp_seconds')
  const overdue = all.filter((point) => Number(point.value) + 3600 < Number(point.timeNano) / 1e9)
  return share('points whose renewal was due more than an hour ago', overdue.length, all.length, 0.9)
}

const streamNoBackpressure: SignatureOf = (view) => {
  const all = view.of('edge', 'shop.Inventory/Watch')
  const orphaned = all.filter((call) => overrunMs(view, call) > 1000)
  const late = all.flatMap((call) =>
    view.children(call).flatMap((served) => served.events.filter((event) => event.timeNano > call.endNano)),
  )
  return share(
    `streams that the server kept for more than 1 s; ${late.length} message events after the client's end`,
    orphaned.length,
    all.length,
    0.8,
  )
}

/** redisotel writes statements raw: a lock is SET key token px TTL nx, then evalsha of a release or an extension. */
interface Hold {
  readonly key: string
  readonly token: string
  readonly takenNano: bigint
  readonly ttlMs: number
  readonly endedNano: bigint
  readonly extensions: number
}

const RELEASE_ARGUMENTS = 5

function holds(view: View, prefix: string): readonly Hold[] {
  const commands = view
    .of('checkout')
    .filter((span) => span.scope.endsWith('redisotel') && !span.error)
    .map((span) => ({ span, words: (span.attributes['db.statement'] ?? '').split(' ') }))
  return commands.flatMap(({ span, words }) => {
    const [name, key = '', token = ''] = words
    if (name !== 'set' || !key.startsWith(prefix) || words.at(-1) !== 'nx') return []
    const later = commands.filter(
      (one) => one.words.includes(token) && one.words[0] !== 'set' && one.span.startNano > span.startNano,
    )
    const release = later.find((one) => one.words.length === RELEASE_ARGUMENTS)
    const ttl = Number(words.at(-2)) * (words.at(-3) === 'ex' ? 1000 : 1)
    return release
      ? [
          {
            key,
            token,
            takenNano: span.startNano,
            ttlMs: ttl,
            endedNano: release.span.startNano,
            extensions: later.length - 1,
          },
        ]
      : []
  })
}

const heldMs = (hold: Hold): number => millis(hold.endedNano - hold.takenNano)

const lockOverrun: SignatureOf = (view) => {
  const all = holds(view, 'lock:order:')
  return share(
    'orders that kept their lock for longer than its TTL',
    all.filter((hold) => heldMs(hold) > hold.ttlMs).length,
    all.length,
    0.95,
  )
}

const lockNoRenewal: SignatureOf = (view) => {
  const all = holds(view, 'lock:settlement')
  const unrenewed = all.filter(
    (hold) => hold.extensions === 0 && heldMs(hold) > (hold.ttlMs * 2) / 3 && heldMs(hold) < hold.ttlMs,
  )
  return share('settlements held for more than 2/3 of the TTL without an extension', unrenewed.length, all.length, 0.6)
}

const lockOverlap: SignatureOf = (view) => {
  // A failed attempt is released at once; what lasted is a hold.
  const all = holds(view, 'lock:settlement').filter((hold) => heldMs(hold) > 100)
  const overlapping = all.filter((hold) =>
    all.some(
      (other) => other.token !== hold.token && other.takenNano > hold.takenNano && other.takenNano < hold.endedNano,
    ),
  )
  return share('settlements whose lock another one took before they released it', overlapping.length, all.length, 0.3)
}

const transportPerRequest: SignatureOf = (view) => {
  const all: readonly Span[] = view.of('checkout', 'http.getconn')
  return share(
    'connections to payment that were not reused',
    all.filter((span) => span.attributes['http.conn.reused'] === 'false').length,
    all.length,
    0.95,
  )
}

export const around: Readonly<Record<string, SignatureOf>> = {
  tls_slow: tlsSlow,
  cert_expiring: certExpiring,
  cert_renewal_stuck: certRenewalStuck,
  stream_no_backpressure: streamNoBackpressure,
  lock_overrun: lockOverrun,
  lock_no_renewal: lockNoRenewal,
  lock_overlap: lockOverlap,
  transport_per_request: transportPerRequest,
}
