import { status } from '@grpc/grpc-js'
import { describe, expect, it } from '@jest/globals'
import { ByteBudget } from '../../../component/budget.ts'
import { traceRequest, traceRequestJson } from '../../support/otlp-builder.ts'
import { exportByGrpcJs, failure, grpcClient, startReceiver } from './receiver-harness.ts'

const MIB = 1024 * 1024

/** A request with `count` spans of two bytes each: no field at all. */
function emptySpans(count: number): Buffer {
  const spans = Buffer.alloc(count * 2)
  for (let i = 0; i < count; i++) spans[i * 2] = 0x12
  return message(1, message(2, spans))
}

function message(field: number, body: Buffer): Buffer {
  const head = [field * 8 + 2]
  for (let rest = body.length; ; rest >>>= 7) {
    if (rest < 128) return Buffer.concat([Buffer.from([...head, rest]), body])
    head.push((rest & 127) | 128)
  }
}

describe('the rows of a request, which the budget counts beside its bytes', () => {
  it('are never more than it has room for, however small the spans', async () => {
    const budget = new ByteBudget(8 * MIB)
    const receiver = await startReceiver({ grpc: { endpoint: '127.0.0.1:0' } }, { budget })
    const client = grpcClient(receiver.grpcAddress)
    // 1 MiB on the wire, 48 MiB as rows, and as much again while a table grows.
    const before = process.memoryUsage().arrayBuffers
    const error = await failure(exportByGrpcJs(client, 'traces', emptySpans(MIB / 2)))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * MIB)
    expect(error.code).toBe(status.RESOURCE_EXHAUSTED)
    expect(error.details).toMatch(/no room for the spans of a request of \d+ bytes/)
    expect(error.metadata.get('grpc-status-details-bin')).toHaveLength(1)
    expect(budget.peakBytes).toBeLessThanOrEqual(8 * MIB)
    expect(budget.usedBytes).toBe(0)
    expect(receiver.settings.ledgers.traces.requests).toEqual({ success: 0, refused: 1, failure: 0 })
  })

  it('are taken where there is room, and given back', async () => {
    const receiver = await startReceiver({ grpc: { endpoint: '127.0.0.1:0' } }, { budget: new ByteBudget(8 * MIB) })
    const client = grpcClient(receiver.grpcAddress)
    await exportByGrpcJs(client, 'traces', emptySpans(10_000))
    await exportByGrpcJs(client, 'traces', traceRequest([{ service: 'a', spans: Array(5000).fill({ name: '' }) }]))
    expect(receiver.recorder.batches.map((batch) => batch.items)).toEqual([10_000, 5000])
  })

  it('make the sender wait while requests that were taken hold the room', async () => {
    const budget = new ByteBudget(8 * MIB)
    const receiver = await startReceiver({ grpc: { endpoint: '127.0.0.1:0' } }, { budget })
    const client = grpcClient(receiver.grpcAddress)
    const held: { release(): void }[] = []
    receiver.recorder.answer = (batch) => {
      batch.retain()
      held.push(batch)
      return { kind: 'accepted' }
    }
    const request = emptySpans(20_000)
    let refused = 0
    for (let i = 0; i < 20; i++)
      await exportByGrpcJs(client, 'traces', request).catch((error) => {
        expect(error.code).toBe(status.RESOURCE_EXHAUSTED)
        refused++
      })
    expect(refused).toBeGreaterThan(10)
    expect(held.length).toBeGreaterThan(1)
    expect(budget.peakBytes).toBeLessThanOrEqual(8 * MIB)
    for (const batch of held) batch.release()
    await exportByGrpcJs(client, 'traces', request)
    for (const batch of held.slice(-1)) batch.release()
  })
})

describe('what a JSON body becomes while it is parsed, which the budget counts too', () => {
  const post = async (body: string, budgetMib: number) => {
    const budget = new ByteBudget(budgetMib * MIB)
    const receiver = await startReceiver({ http: { endpoint: '127.0.0.1:0' } }, { budget })
    const response = await fetch(`http://${receiver.httpAddress}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    expect(budget.peakBytes).toBeLessThanOrEqual(budget.limitBytes)
    return { status: response.status, text: await response.text(), retryAfter: response.headers.get('retry-after') }
  }
  const jsonOfSpans = (spans: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":[${spans}]}]}]}`

  it.each([
    ['empty objects', jsonOfSpans(`${'{},'.repeat(MIB)}{}`)],
    ['brackets in brackets', `{"resourceSpans":${'['.repeat(2 * MIB)}`],
  ])('is too large for good where it would not fit at all: %s', async (_, body) => {
    const { status, text, retryAfter } = await post(body, 32)
    expect({ status, retryAfter }).toEqual({ status: 413, retryAfter: null })
    expect(text).toMatch(/takes about \d+ bytes of memory, more than the \d+ bytes of service\.limit_mib/)
  })

  it('is small where the body is text', async () => {
    const span = { name: 'GET', attributes: [{ key: 'query', value: { stringValue: '{"a\\":[1,2,{},'.repeat(1000) } }] }
    const body = jsonOfSpans(Array(200).fill(JSON.stringify(span)).join())
    expect(body.length).toBeGreaterThan(2 * MIB)
    expect(await post(body, 16)).toMatchObject({ status: 200 })
  })

  it('does not stand in the way of an ordinary request of some MiB', async () => {
    const spans = Array.from({ length: 5000 }, (_, i) => ({
      spanId: i + 1,
      attributes: { 'http.route': '/item/{id}', n: i },
    }))
    const body = JSON.stringify(traceRequestJson([{ service: 'shop', spans }]))
    expect(body.length).toBeGreaterThan(MIB)
    expect(await post(body, 16)).toMatchObject({ status: 200 })
  })
})
