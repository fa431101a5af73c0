import * as grpc from '@grpc/grpc-js'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { ByteBudget } from '../../../component/budget.ts'
import { ACCEPTED, type Outcome, refused } from '../../../component/consumer.ts'
import { GatewayError } from '../../../component/errors.ts'
import { SIGNALS } from '../../../component/signal.ts'
import { traceRequest } from '../../support/otlp-builder.ts'
import { decodeMessage, decodeResponse } from '../../support/otlp-oracle.ts'
import { exportByGrpcJs, failure, grpcClient, startReceiver } from './receiver-harness.ts'
import { GARBAGE, SAMPLES, spans } from './sample-requests.ts'

const { status } = grpc

function retryInfo(error: grpc.ServiceError) {
  const [details] = error.metadata.get('grpc-status-details-bin')
  return details === undefined ? null : decodeMessage('google.rpc.Status', details as Buffer)
}

describe('the gRPC port, called by grpc-js', () => {
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  let client: grpc.Client

  beforeEach(async () => {
    receiver = await startReceiver({ grpc: { endpoint: '127.0.0.1:0', max_recv_msg_size_mib: 1 } })
    client = grpcClient(receiver.grpcAddress)
  })

  it.each(SIGNALS)('hands %s on as they came and counts their items', async (signal) => {
    const { bytes, items } = SAMPLES[signal]
    const response = await exportByGrpcJs(client, signal, bytes)
    expect(response).toHaveLength(0)
    expect(receiver.recorder.batches).toEqual([{ signal, items, bytes: Buffer.from(bytes) }])
    expect(receiver.settings.ledgers[signal]).toMatchObject({ received: items, accepted: items, refused: 0, failed: 0 })
    expect(receiver.settings.ledgers[signal].requests).toEqual({ success: 1, refused: 0, failure: 0 })
  })

  it('accepts an empty request and hands nothing on', async () => {
    await exportByGrpcJs(client, 'traces', new Uint8Array(0))
    expect(receiver.recorder.batches).toEqual([])
    expect(receiver.settings.ledgers.traces.requests.success).toBe(1)
  })

  it.each([
    ['gzip', grpc.compressionAlgorithms.gzip],
    ['deflate', grpc.compressionAlgorithms.deflate],
  ])('inflates %s', async (_name, algorithm) => {
    const compressing = grpcClient(receiver.grpcAddress, { 'grpc.default_compression_algorithm': algorithm })
    await exportByGrpcJs(compressing, 'traces', spans(500))
    expect(receiver.recorder.batches[0]).toMatchObject({ items: 500, bytes: Buffer.from(spans(500)) })
  })

  it('takes a message that comes in many frames', async () => {
    const request = spans(5000)
    expect(request.length).toBeGreaterThan(300_000)
    await exportByGrpcJs(client, 'traces', request)
    expect(receiver.recorder.batches[0]?.bytes.equals(Buffer.from(request))).toBe(true)
  })

  it('says how many spans were dropped by policy', async () => {
    receiver.recorder.answer = () => ({ kind: 'partial', droppedItems: 2, reason: 'filtered', message: 'filtered out' })
    const response = await exportByGrpcJs(client, 'traces', spans(3))
    expect(decodeResponse('traces', response)).toEqual({
      partialSuccess: { rejectedSpans: '2', errorMessage: 'filtered out' },
    })
    expect(receiver.settings.ledgers.traces).toMatchObject({ received: 3, accepted: 3 })
  })

  it('waits for an outcome that comes later', async () => {
    const outcome = Promise.withResolvers<Outcome>()
    receiver.recorder.answer = () => outcome.promise
    const call = exportByGrpcJs(client, 'traces', spans(3))
    setImmediate(() => outcome.resolve(ACCEPTED))
    await expect(call).resolves.toHaveLength(0)
  })

  it.each([
    ['memory_exhausted', status.RESOURCE_EXHAUSTED, '1'],
    ['queue_full', status.RESOURCE_EXHAUSTED, '1'],
    ['shutting_down', status.UNAVAILABLE, null],
    ['backend_unavailable', status.UNAVAILABLE, null],
    ['backend_rejected', status.INTERNAL, null],
  ] as const)('answers %s with code %d', async (code, expected, retrySeconds) => {
    receiver.recorder.answer = () => refused(new GatewayError(code, 'ausgelöst: 100 %', { retryable: true }))
    const error = await failure(exportByGrpcJs(client, 'traces', spans(3)))
    expect(error.code).toBe(expected)
    expect(error.details).toBe('ausgelöst: 100 %')
    const details = retryInfo(error)
    expect(details === null).toBe(retrySeconds === null)
    if (retrySeconds !== null) expect(details).toMatchObject({ code: expected, message: 'ausgelöst: 100 %' })
    expect(receiver.settings.ledgers.traces).toMatchObject({ received: 3, accepted: 0, refused: 3, failed: 0 })
  })

  it('says where a malformed request broke, and serves its neighbours', async () => {
    const [bad, good] = await Promise.all([
      failure(exportByGrpcJs(client, 'traces', GARBAGE)),
      exportByGrpcJs(client, 'traces', spans(1)),
    ])
    expect(bad.code).toBe(status.INVALID_ARGUMENT)
    expect(bad.details).toMatch(/malformed ExportTraceServiceRequest.* at byte \d+: /)
    expect(good).toHaveLength(0)
    expect(receiver.settings.ledgers.traces.requests).toEqual({ success: 1, refused: 0, failure: 1 })
  })

  it('refuses a message over the limit for good', async () => {
    const error = await failure(exportByGrpcJs(client, 'traces', new Uint8Array(1024 * 1024 + 1)))
    expect(error.code).toBe(status.RESOURCE_EXHAUSTED)
    expect(retryInfo(error)).toBeNull()
    expect(error.details).toContain('max_recv_msg_size_mib')
  })

  it('refuses a message that is over the limit once it is inflated', async () => {
    const compressing = grpcClient(receiver.grpcAddress, {
      'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip,
    })
    const error = await failure(exportByGrpcJs(compressing, 'traces', new Uint8Array(20 * 1024 * 1024)))
    expect(error.code).toBe(status.RESOURCE_EXHAUSTED)
    expect(retryInfo(error)).toBeNull()
    expect(receiver.settings.budget.peakBytes).toBeLessThan(4 * 1024 * 1024)
  })

  it('answers a method nobody knows with UNIMPLEMENTED', async () => {
    const call = new Promise((resolve, reject) => {
      const same = (bytes: Buffer) => bytes
      client.makeUnaryRequest('/shop.v1.Shop/Buy', same, same, Buffer.alloc(0), (error, response) =>
        error ? reject(error) : resolve(response),
      )
    })
    const error = await failure(call)
    expect(error.code).toBe(status.UNIMPLEMENTED)
    expect(error.details).toContain('unknown method Buy of service shop.v1.Shop')
  })

  it("answers when the sender's time runs out, and gives the memory back", async () => {
    const outcome = Promise.withResolvers<Outcome>()
    receiver.recorder.answer = () => {
      receiver.settings.clock.advanceBy(3_600_000)
      return outcome.promise
    }
    const error = await failure(exportByGrpcJs(client, 'traces', spans(3), { deadline: Date.now() + 3_500_000 }))
    expect(error.code).toBe(status.DEADLINE_EXCEEDED)
    expect(error.details).toContain('grpc-timeout')
    outcome.resolve(ACCEPTED)
    await outcome.promise
    await Promise.resolve()
    expect(receiver.settings.ledgers.traces).toMatchObject({ received: 3, accepted: 3 })
  })

  it('answers a defect of a consumer with INTERNAL and lives on', async () => {
    receiver.recorder.answer = () => {
      throw new Error('secret of the house')
    }
    const error = await failure(exportByGrpcJs(client, 'traces', spans(3)))
    expect(error.code).toBe(status.INTERNAL)
    expect(error.details).not.toContain('secret')
    receiver.recorder.answer = () => Promise.reject(new Error('again'))
    expect((await failure(exportByGrpcJs(client, 'traces', spans(2)))).code).toBe(status.INTERNAL)
    expect(receiver.settings.ledgers.traces).toMatchObject({ received: 5, failed: 5 })
    receiver.recorder.answer = () => ACCEPTED
    await exportByGrpcJs(client, 'traces', spans(3))
  })

  it('keeps a request until the last consumer has let go of it', async () => {
    const kept: { release(): void }[] = []
    receiver.recorder.answer = (batch) => {
      batch.retain()
      kept.push(batch)
      return ACCEPTED
    }
    await exportByGrpcJs(client, 'traces', spans(3))
    expect(receiver.settings.budget.usedBytes).toBeGreaterThan(spans(3).length)
    for (const batch of kept) batch.release()
    expect(receiver.settings.budget.usedBytes).toBe(0)
  })
})

describe('the gRPC port', () => {
  it('takes large requests side by side on one connection', async () => {
    const receiver = await startReceiver({ grpc: { endpoint: '127.0.0.1:0' } })
    const client = grpcClient(receiver.grpcAddress, { 'grpc.max_send_message_length': -1 })
    const request = traceRequest([{ service: 'a', spans: [{ attributes: { text: 'x'.repeat(10 * 1024 * 1024) } }] }])
    await Promise.all(Array.from({ length: 4 }, () => exportByGrpcJs(client, 'traces', request)))
    expect(receiver.settings.ledgers.traces).toMatchObject({ received: 4, accepted: 4 })
  })

  it('does not know the service of a signal that no pipeline takes', async () => {
    const receiver = await startReceiver({ grpc: { endpoint: '127.0.0.1:0' } }, { signals: ['traces'] })
    const client = grpcClient(receiver.grpcAddress)
    const error = await failure(exportByGrpcJs(client, 'logs', SAMPLES.logs.bytes))
    expect(error.code).toBe(status.UNIMPLEMENTED)
    expect(error.details).toContain('unknown service opentelemetry.proto.collector.logs.v1.LogsService')
  })

  it('refuses what the budget has no room for, with the time after which to come back', async () => {
    const budget = new ByteBudget(1000)
    const receiver = await startReceiver({ grpc: { endpoint: '127.0.0.1:0' } }, { budget })
    const client = grpcClient(receiver.grpcAddress)
    const error = await failure(exportByGrpcJs(client, 'traces', spans(100)))
    expect(error.code).toBe(status.RESOURCE_EXHAUSTED)
    expect(retryInfo(error)).toMatchObject({
      code: 8,
      details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: { seconds: '1' } }],
    })
    expect(receiver.settings.ledgers.traces.requests).toEqual({ success: 0, refused: 1, failure: 0 })
    expect(receiver.recorder.batches).toEqual([])
    expect(budget.usedBytes).toBe(0)
  })
})
