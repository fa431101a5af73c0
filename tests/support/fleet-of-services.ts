import type { TracesBatch } from '../../component/batch.ts'
import { ACCEPTED } from '../../component/consumer.ts'
import type { FindingReport } from '../../component/finding.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { configSchema } from '../../processors/context-propagation/config.ts'
import { factory } from '../../processors/context-propagation/context-propagation.ts'
import { configSchema as windowConfig } from '../../processors/trace-window/config.ts'
import { factory as traceWindow } from '../../processors/trace-window/trace-window.ts'
import type { ServiceSpans, SpanSpec } from './otlp-builder.ts'
import { tracesBatch } from './scan.ts'
import { TEST_START_MS, testProcessorSettings } from './test-settings.ts'

/** Who calls whom, over what; a call is made once in each request of the caller. */
export interface Call {
  readonly from: string
  readonly to: string
  readonly over: 'grpc' | 'http'
}

/** A span on its way: by which process it was made, and when the request with it arrives. */
export interface SentSpan {
  readonly service: string
  readonly instance: string
  readonly span: SpanSpec & { readonly traceId: string; readonly spanId: string }
  readonly endMs: number
}

export interface FleetPlan {
  /** The first one is where requests enter. */
  readonly services: readonly { readonly name: string; readonly instances: number }[]
  readonly calls: readonly Call[]
  readonly requests: number
  readonly requestsPerSecond: number
  readonly seed?: number
}

/** Eight services in sixteen processes, for forty seconds. */
export const FLEET: FleetPlan = {
  services: [
    { name: 'edge', instances: 2 },
    { name: 'cart', instances: 3 },
    { name: 'checkout', instances: 2 },
    { name: 'payment', instances: 1 },
    { name: 'inventory', instances: 3 },
    { name: 'shipping', instances: 1 },
    { name: 'search', instances: 2 },
    { name: 'rates', instances: 2 },
  ],
  calls: [
    { from: 'edge', to: 'cart', over: 'grpc' },
    { from: 'edge', to: 'checkout', over: 'http' },
    { from: 'edge', to: 'search', over: 'grpc' },
    { from: 'checkout', to: 'payment', over: 'http' },
    { from: 'checkout', to: 'inventory', over: 'grpc' },
    { from: 'checkout', to: 'shipping', over: 'grpc' },
    { from: 'shipping', to: 'inventory', over: 'grpc' },
    { from: 'search', to: 'rates', over: 'grpc' },
  ],
  requests: 140,
  requestsPerSecond: 3.5,
}
/** Numbers that are the same in each run; mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** The spans of a healthy fleet: each call is a CLIENT span with the SERVER span of one instance of the callee below it. */
export function fleetSpans({ services, calls, requests, requestsPerSecond, seed = 1 }: FleetPlan): SentSpan[] {
  const random = randomOf(seed)
  const spans: SentSpan[] = []
  const hex = (digits: number) =>
    Array.from({ length: digits / 8 }, () =>
      Math.floor(random() * 4294967296)
        .toString(16)
        .padStart(8, '0'),
    ).join('')
  const nano = (ms: number) => BigInt(Math.round(ms * 1000)) * 1000n
  const serve = (name: string, traceId: string, parentId: string | null, over: Call['over'], fromMs: number) => {
    const { instances } = services.find((service) => service.name === name)!
    const instance = `${name}-${Math.floor(random() * instances)}`
    const spanId = hex(16)
    const outgoing = calls.filter((call) => call.from === name)
    const emit = (endMs: number, span: SpanSpec & { spanId: string }) =>
      spans.push({ service: name, instance, span: { ...span, traceId, endNano: nano(endMs) }, endMs })
    let now = fromMs + 0.3
    for (const { to, over } of outgoing) {
      const clientId = hex(16)
      const start = now
      now = serve(to, traceId, clientId, over, now + 0.2) + 0.2
      emit(now, {
        name: over === 'grpc' ? `shop.${to}.Api/Do` : 'GET',
        kind: 'client',
        spanId: clientId,
        parentId: spanId,
        startNano: nano(start),
        attributes:
          over === 'grpc'
            ? { 'rpc.system': 'grpc', 'server.address': to }
            : { 'http.request.method': 'GET', 'server.address': to },
      })
      now += 0.1
    }
    const endMs = now + 0.3
    emit(endMs, {
      name: over === 'grpc' ? `shop.${name}.Api/Do` : `GET /${name}`,
      kind: 'server',
      spanId,
      parentId,
      startNano: nano(fromMs),
      attributes: over === 'grpc' ? { 'rpc.system': 'grpc' } : { 'http.request.method': 'GET' },
    })
    return endMs
  }
  for (let i = 0; i < requests; i++)
    serve(services[0]!.name, hex(32), null, 'http', TEST_START_MS + 30_000 + (i * 1000) / requestsPerSecond)
  return spans
}

export interface Watched {
  /** All that was published, in order. */
  readonly reports: readonly FindingReport[]
  /** The last word on each rule, cause and place. */
  readonly last: readonly FindingReport[]
}

/**
 * Sends spans through window and detector, each when its process exports: every `exportEveryMs`, and later by what
 * `delayMs` says. Other gateways may get some of them: `arrives` tells.
 */
export async function watchFleet(
  spans: readonly SentSpan[],
  {
    config = {},
    arrives = () => true,
    delayMs = () => 0,
    exportEveryMs = 1000,
    onBatch = () => {},
  }: {
    config?: unknown
    arrives?: (span: SentSpan) => boolean
    delayMs?: (span: SentSpan) => number
    exportEveryMs?: number
    onBatch?: (batch: TracesBatch, nowMs: number) => void
  } = {},
): Promise<Watched> {
  const settings = testProcessorSettings('context_propagation', 'traces')
  const detector = factory.create.traces!(settings, configSchema.parse(config), {
    consume(batch) {
      onBatch(batch, settings.clock.nowMs())
      return ACCEPTED
    },
  })
  const window = traceWindow.create.traces!(settings, windowConfig.parse({}), detector)
  await detector.start()
  await window.start()
  const refs = new RefCache()
  const requests = new Map<string, { atMs: number; services: Map<string, SentSpan[]> }>()
  for (const sent of spans) {
    if (!arrives(sent)) continue
    const atMs = Math.ceil(sent.endMs / exportEveryMs) * exportEveryMs + delayMs(sent)
    const key = String(atMs).padStart(20)
    let request = requests.get(key)
    if (!request) {
      request = { atMs, services: new Map() }
      requests.set(key, request)
    }
    const process = `${sent.service}\0${sent.instance}`
    request.services.set(process, [...(request.services.get(process) ?? []), sent])
  }
  for (const [, { atMs, services }] of [...requests].sort(([a], [b]) => (a < b ? -1 : 1))) {
    settings.clock.advanceTo(atMs)
    const batch = tracesBatch(
      [...services.values()].map(
        (sent): ServiceSpans => ({
          service: sent[0]!.service,
          resource: { 'service.instance.id': sent[0]!.instance },
          spans: sent.map(({ span }) => span),
        }),
      ),
      refs,
    )
    window.consume(batch)
    batch.release()
  }
  settings.clock.advanceBy(150_000)
  const { reports } = settings.findings
  const last = new Map<string, FindingReport>()
  for (const report of reports) {
    const key = (cause: string) => JSON.stringify([report.rule, report.place, cause])
    if (report.supersedesCause !== null) last.delete(key(report.supersedesCause))
    last.set(key(report.cause), report)
  }
  return { reports, last: [...last.values()] }
}

/** What stands at the end. */
export function standingOf({ last }: Watched, family = ''): string[] {
  return last
    .filter((report) => report.state !== 'retracted' && report.rule.startsWith(family))
    .map(({ rule, cause, place }) => `${rule} ${cause} ${place.service}`)
    .sort()
}

/** Which of `gateways` gets the stream of a process. */
export function gatewayOf({ service, instance }: SentSpan, gateways: number, salt = 0): number {
  return streamHash(`${service}/${instance}`, salt) % gateways
}

export function streamHash(text: string, salt = 0): number {
  let hash = (2166136261 ^ salt) >>> 0
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619) >>> 0
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x2c1b3c6d) >>> 0
  return (hash ^ (hash >>> 13)) >>> 0
}
