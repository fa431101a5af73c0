import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from '@jest/globals'
import { ACCEPTED, refused } from '../../../component/consumer.ts'
import { GatewayError } from '../../../component/errors.ts'
import { buildGoSender, GO_BUILD_MS, goSender, telemetrygen } from '../../support/go-sender.ts'
import { decodeRequest } from '../../support/otlp-oracle.ts'
import { describeWithFile, describeWithTool } from '../../support/tools.ts'
import { startReceiver } from './receiver-harness.ts'

const run = promisify(execFile)

const BOTH = { grpc: { endpoint: '127.0.0.1:0' }, http: { endpoint: '127.0.0.1:0' } }

describeWithTool('go', ['version'], 'the OpenTelemetry Go SDK', () => {
  beforeAll(buildGoSender, GO_BUILD_MS)

  const send = (receiver: Awaited<ReturnType<typeof startReceiver>>, spans: number) =>
    goSender('spans', '-grpc', receiver.grpcAddress, '-http', receiver.httpAddress, '-spans', String(spans))

  it('brings every span over gRPC and HTTP, plain and gzipped', async () => {
    const receiver = await startReceiver(BOTH)
    await send(receiver, 1000)
    expect(receiver.settings.ledgers.traces).toMatchObject({ received: 4000, accepted: 4000, refused: 0, failed: 0 })
    const text = JSON.stringify(receiver.recorder.batches.map((batch) => decodeRequest('traces', batch.bytes)))
    for (const service of ['go-grpc-false', 'go-grpc-true', 'go-http-false', 'go-http-true'])
      expect(text).toContain(JSON.stringify(service))
    expect(text).toContain('"GET /item/999"')
  })

  it('tries again after a refusal that says when, and loses nothing', async () => {
    const receiver = await startReceiver(BOTH)
    // The first request of each of the four exporters. The SDK waits 2.5 to 7.5 s then, however soon it may come back.
    let refusals = 4
    receiver.recorder.answer = () =>
      refusals-- > 0 ? refused(new GatewayError('queue_full', 'full', { retryable: true, retryAfterMs: 10 })) : ACCEPTED
    await send(receiver, 100)
    expect(receiver.settings.ledgers.traces).toMatchObject({ received: 800, accepted: 400, refused: 400 })
  })
})

const generator = telemetrygen()

describeWithFile(generator, 'telemetrygen', 'Go and its module proxy', (program) => {
  it.each([
    ['traces', 'grpc', ['--traces', '100', '--child-spans', '3'], 400],
    ['traces', 'http', ['--traces', '100', '--child-spans', '3'], 400],
    ['metrics', 'grpc', ['--metrics', '50'], 50],
    ['metrics', 'http', ['--metrics', '50'], 50],
    ['logs', 'grpc', ['--logs', '50'], 50],
    ['logs', 'http', ['--logs', '50'], 50],
  ] as const)('brings %s over %s', async (signal, protocol, amount, items) => {
    const receiver = await startReceiver(BOTH)
    const endpoint = protocol === 'grpc' ? receiver.grpcAddress : receiver.httpAddress
    const args = [signal, '--otlp-insecure', '--otlp-endpoint', endpoint, '--rate', '0', '--workers', '1', ...amount]
    await run(program, protocol === 'http' ? [...args, '--otlp-http'] : args)
    expect(receiver.settings.ledgers[signal]).toMatchObject({ received: items, accepted: items, failed: 0 })
  })
})
