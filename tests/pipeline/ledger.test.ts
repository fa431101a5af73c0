import { status } from '@grpc/grpc-js'
import { describe, expect, it } from '@jest/globals'
import { afterThisTest } from '../support/after-this-test.ts'
import { traceRequest } from '../support/otlp-builder.ts'
import { decodeRequest } from '../support/otlp-oracle.ts'
import { OtlpGrpcSink } from '../support/otlp-sink.ts'
import { RunningService, total } from '../support/service.ts'

const SENDERS = 4
const REQUESTS = 16
/** Different for each request, so that a sum that is right by chance is unlikely. */
const spansOf = (request: number) => 1 + ((request * 7) % 13)

function request(sender: number, index: number): { bytes: Uint8Array; names: string[] } {
  const names = Array.from({ length: spansOf(index) }, (_, i) => `${sender}/${index}/${i}`)
  const spans = names.map((name, i) => ({
    name,
    traceId: sender * 1e6 + index * 100 + i + 1,
    spanId: sender * 1e6 + index * 100 + i + 1,
  }))
  return { bytes: traceRequest([{ service: `service ${sender}`, spans }]), names }
}

function namesAt(sink: OtlpGrpcSink): string[] {
  interface Decoded {
    resourceSpans: { scopeSpans: { spans: { name: string }[] }[] }[]
  }
  return sink.requests.flatMap(({ bytes }) =>
    (decodeRequest('traces', bytes) as unknown as Decoded).resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) => spans.map(({ name }) => name)),
    ),
  )
}

/** The sums of the ledger, as a scrape tells them: each side of each equation. */
function books(metrics: ReadonlyMap<string, number>) {
  const sum = (name: string, labels?: string) => total(metrics, name, labels)
  const exporter = (id: string) => [
    sum('blindspot_exporter_accepted', `exporter="${id}"`),
    sum('otelcol_exporter_sent_spans', `exporter="${id}"`) +
      sum('blindspot_exporter_held', `exporter="${id}"`) +
      sum('otelcol_exporter_send_failed_spans', `exporter="${id}"`) +
      sum('blindspot_exporter_dropped', `exporter="${id}"`),
  ]
  return {
    receiver: [
      sum('blindspot_receiver_received'),
      sum('otelcol_receiver_accepted_spans') +
        sum('otelcol_receiver_refused_spans') +
        sum('otelcol_receiver_failed_spans'),
    ],
    handover: [sum('otelcol_receiver_accepted_spans'), sum('blindspot_pipeline_accepted')],
    pipeline: [
      sum('blindspot_pipeline_accepted') + sum('blindspot_pipeline_created'),
      sum('blindspot_pipeline_forwarded') + sum('blindspot_pipeline_held') + sum('blindspot_pipeline_dropped'),
    ],
    a: exporter('otlp_grpc/a'),
    b: exporter('otlp_grpc/b'),
  }
}

function expectExact(metrics: ReadonlyMap<string, number>): void {
  const unequal = Object.entries(books(metrics)).filter(([, [left, right]]) => left !== right)
  expect(unequal).toEqual([])
}

const CONFIG = (a: string, b: string, processors: string, queue: string) => `
processors: { batch: { send_batch_size: 40, timeout: 5ms }, trace_window: { quiet_complete: 10ms, max_batch_spans: 40 } }
exporters:
  otlp_grpc/a: { endpoint: "${a}", tls: { insecure: true }, retry_on_failure: { initial_interval: 5ms, max_interval: 20ms } }
  otlp_grpc/b:
    endpoint: "${b}"
    tls: { insecure: true }
    retry_on_failure: { initial_interval: 5ms, max_interval: 20ms }
    sending_queue: { ${queue} }
service:
  shutdown_timeout: 1s
  pipelines: { traces: { receivers: [otlp], processors: [${processors}], exporters: [otlp_grpc/a, otlp_grpc/b] } }
`

/** A gateway before two sinks. */
async function startBetween(processors: string, queue: string) {
  const [a, b] = [await OtlpGrpcSink.start(), await OtlpGrpcSink.start()]
  afterThisTest(() => Promise.all([a.stop(), b.stop()]))
  const gateway = await RunningService.start(CONFIG(a.endpoint, b.endpoint, processors, queue))
  return { a, b, gateway }
}

/** Scrapes until it is told to end, and gives the number of scrapes; the books hold in each. */
function scrapeAllTheTime(gateway: RunningService): { end(): Promise<number> } {
  let scraping = true
  const scrapes = (async () => {
    let count = 0
    for (; scraping; count++) {
      expectExact(await gateway.scrape())
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 30))
    }
    return count
  })()
  return {
    end() {
      scraping = false
      return scrapes
    },
  }
}

/** Sends all requests of a sender, each again while it is refused; gives the names that were acknowledged. */
async function sendAll(gateway: RunningService, sender: number, onRefusal: () => void): Promise<string[]> {
  const acknowledged: string[] = []
  for (let index = 0; index < REQUESTS; index++) {
    const { bytes, names } = request(sender, index)
    for (let error = await gateway.exportTraces(bytes); error !== null; error = await gateway.exportTraces(bytes)) {
      expect(error.code).toBe(status.RESOURCE_EXHAUSTED)
      onRefusal()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    acknowledged.push(...names)
  }
  return acknowledged
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => i)
const SENT = SENDERS * numbered(REQUESTS).reduce((sum, index) => sum + spansOf(index), 0)
const BUSY = { kind: 'fail', code: status.UNAVAILABLE, message: 'busy' } as const
const NEVER = { kind: 'fail', code: status.INVALID_ARGUMENT, message: 'no' } as const
const ACCEPT = { kind: 'accept' } as const

describe('the ledger, with two exporters of which one refuses', () => {
  it.each([
    ['without processors', '', 'queue_size: 1, num_consumers: 1'],
    ['with a batch', 'batch', 'queue_size: 1, num_consumers: 1'],
    ['with a window', 'trace_window', 'queue_size: 1, num_consumers: 1'],
    ['without a queue', '', 'enabled: false'],
  ])('is exact at every scrape and at the end: %s', async (_, processors, queue) => {
    const { a, b, gateway } = await startBetween(processors, queue)
    // Every other request fails in a way that is tried again, so the queue before it is full most of the time.
    b.answerOnce(...numbered(80).map((i) => (i % 2 === 0 ? BUSY : ACCEPT)))

    let refusals = 0
    const scraping = scrapeAllTheTime(gateway)
    const sending = numbered(SENDERS).map((sender) => sendAll(gateway, sender, () => refusals++))
    const acknowledged = (await Promise.all(sending)).flat()
    expect(await scraping.end()).toBeGreaterThan(3)

    const { gateway: graph } = gateway.service
    await gateway.stop()
    const [chain] = graph.chains
    expect(chain!.ledger).toMatchObject({ accepted: SENT, forwarded: SENT, held: 0, dropped: new Map() })
    for (const { ledgers } of graph.exporters)
      expect(ledgers.traces).toMatchObject({ accepted: SENT, sent: SENT, held: 0, failed: 0, dropped: new Map() })

    // Nothing is missing at either end, and nothing came twice.
    expect(acknowledged).toHaveLength(SENT)
    expect(namesAt(a).toSorted()).toEqual(acknowledged.toSorted())
    expect(namesAt(b).toSorted()).toEqual(acknowledged.toSorted())
    if (queue !== 'enabled: false') expect(refusals).toBeGreaterThan(0)
  })

  it.each(['', 'batch', 'trace_window'])(
    'is exact where one refuses for good, and the other misses nothing (processors: %s)',
    async (processors) => {
      const { a, b, gateway } = await startBetween(processors, '')
      b.answerOnce(...numbered(200).map((i) => (i % 3 === 0 ? NEVER : ACCEPT)))
      const scraping = scrapeAllTheTime(gateway)
      const sending = numbered(SENDERS).map((sender) => sendAll(gateway, sender, () => {}))
      const acknowledged = (await Promise.all(sending)).flat()
      await scraping.end()
      await gateway.stop()

      const [toA, toB] = gateway.service.gateway.exporters.map(({ ledgers }) => ledgers.traces)
      expect(toA).toMatchObject({ accepted: SENT, sent: SENT, held: 0, failed: 0, dropped: new Map() })
      expect(namesAt(a).toSorted()).toEqual(acknowledged.toSorted())
      const refusedForGood = SENT - namesAt(b).length
      expect(refusedForGood).toBeGreaterThan(0)
      expect(toB).toMatchObject({ accepted: SENT, sent: namesAt(b).length, held: 0, failed: refusedForGood })
    },
  )
})

describe('the ledger of a gateway that is stopped with data in flight', () => {
  it.each(['', 'batch', 'trace_window'])(
    'is exact while it stops, and names what it could not send (processors: %s)',
    async (processors) => {
      const { a, b, gateway } = await startBetween(processors, 'num_consumers: 2')
      b.answerOnce(...numbered(10).map(() => ACCEPT))
      b.answer({ kind: 'hang' })

      // Each sends until the gateway takes nothing more.
      const acknowledged: string[] = []
      const send = async (sender: number): Promise<void> => {
        for (let index = 0; ; index++) {
          const { bytes, names } = request(sender, index)
          const error = await gateway.exportTraces(bytes)
          if (error !== null) {
            expect([status.UNAVAILABLE, status.CANCELLED]).toContain(error.code)
            return
          }
          acknowledged.push(...names)
        }
      }
      const sending = Promise.all(numbered(SENDERS).map(send))
      await b.attempted(12)
      const scraping = scrapeAllTheTime(gateway)
      const { gateway: graph } = gateway.service
      const stopped = gateway.service.stop()
      const alive = setInterval(() => {}, 1000)
      await sending
      await stopped
      clearInterval(alive)
      expect(await scraping.end()).toBeGreaterThan(3)
      await gateway.stop()

      const { received, accepted, refused, failed } = graph.receivers[0]!.ledgers.traces
      expect(received).toBe(accepted + refused + failed)
      expect(accepted).toBeGreaterThanOrEqual(acknowledged.length)
      expect(graph.chains[0]!.ledger).toMatchObject({ accepted, forwarded: accepted, held: 0, dropped: new Map() })
      const [toA, toB] = graph.exporters.map(({ ledgers }) => ledgers.traces)
      expect(toA).toMatchObject({ accepted, sent: accepted, held: 0, failed: 0, dropped: new Map() })
      const lost = accepted - namesAt(b).length
      expect(lost).toBeGreaterThan(0)
      expect(toB).toMatchObject({ accepted, sent: namesAt(b).length, held: 0 })
      expect(toB!.failed + (toB!.dropped.get('shutdown') ?? 0)).toBe(lost)
      const arrived = new Set(namesAt(a))
      expect(acknowledged.filter((name) => !arrived.has(name))).toEqual([])
      expect(arrived.size).toBe(accepted)
    },
  )
})
