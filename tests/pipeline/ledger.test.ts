import { status } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from '@jest/globals'
import { traceRequest } from '../support/otlp-builder.ts'
import { decodeRequest } from '../support/otlp-oracle.ts'
import { OtlpGrpcSink } from '../support/otlp-sink.ts'
import { RunningService, total } from '../support/service.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const SENDERS = 4
const REQUESTS = 30
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
processors: { batch: { send_batch_size: 40, timeout: 5ms } }
exporters:
  otlp_grpc/a: { endpoint: "${a}", tls: { insecure: true }, retry_on_failure: { initial_interval: 5ms, max_interval: 20ms } }
  otlp_grpc/b:
    endpoint: "${b}"
    tls: { insecure: true }
    retry_on_failure: { initial_interval: 5ms, max_interval: 20ms }
    sending_queue: { ${queue} }
service: { pipelines: { traces: { receivers: [otlp], processors: [${processors}], exporters: [otlp_grpc/a, otlp_grpc/b] } } }
`

describe('the ledger, with two exporters of which one refuses', () => {
  it.each([
    ['without processors', '', 'queue_size: 1, num_consumers: 1'],
    ['with a batch', 'batch', 'queue_size: 1, num_consumers: 1'],
    ['without a queue', '', 'enabled: false'],
  ])('is exact at every scrape and at the end: %s', async (_, processors, queue) => {
    const [a, b] = [await OtlpGrpcSink.start(), await OtlpGrpcSink.start()]
    stops.push(
      () => a.stop(),
      () => b.stop(),
    )
    const gateway = await RunningService.start(CONFIG(a.endpoint, b.endpoint, processors, queue))
    // Every other request fails in a way that is tried again, so the queue before it is full most of the time.
    b.answerOnce(
      ...Array.from({ length: 80 }, (_, i) =>
        i % 2 === 0
          ? ({ kind: 'fail', code: status.UNAVAILABLE, message: 'busy' } as const)
          : ({ kind: 'accept' } as const),
      ),
    )

    const acknowledged: string[] = []
    let refusals = 0
    const send = async (sender: number): Promise<void> => {
      for (let index = 0; index < REQUESTS; index++) {
        const { bytes, names } = request(sender, index)
        for (;;) {
          const error = await gateway.exportTraces(bytes)
          if (error === null) break
          expect(error.code).toBe(status.RESOURCE_EXHAUSTED)
          refusals++
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
        acknowledged.push(...names)
      }
    }
    let sending = true
    const scrape = async (): Promise<number> => {
      let scrapes = 0
      for (; sending; scrapes++) {
        expectExact(await gateway.scrape())
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 30))
      }
      return scrapes
    }
    const scraped = scrape()
    await Promise.all(Array.from({ length: SENDERS }, (_, sender) => send(sender)))
    sending = false
    expect(await scraped).toBeGreaterThan(3)

    const { gateway: graph } = gateway.service
    await gateway.stop()
    const [chain] = graph.chains
    const sent = SENDERS * Array.from({ length: REQUESTS }, (_, index) => spansOf(index)).reduce((sum, n) => sum + n, 0)
    expect(chain!.ledger).toMatchObject({ accepted: sent, forwarded: sent, held: 0, dropped: new Map() })
    for (const { ledgers } of graph.exporters)
      expect(ledgers.traces).toMatchObject({ accepted: sent, sent, held: 0, failed: 0, dropped: new Map() })

    // Nothing is missing at either end, and nothing came twice.
    expect(acknowledged).toHaveLength(sent)
    expect(namesAt(a).toSorted()).toEqual(acknowledged.toSorted())
    expect(namesAt(b).toSorted()).toEqual(acknowledged.toSorted())
    if (queue !== 'enabled: false') expect(refusals).toBeGreaterThan(0)
  })
})
