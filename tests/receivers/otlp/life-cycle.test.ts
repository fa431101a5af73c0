import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import * as grpc from '@grpc/grpc-js'
import { describe, expect, it } from '@jest/globals'
import { ACCEPTED, type Outcome } from '../../../component/consumer.ts'
import { configSchema } from '../../../receivers/otlp/config.ts'
import { OtlpReceiver } from '../../../receivers/otlp/otlp-receiver.ts'
import { afterThisTest } from '../../support/after-this-test.ts'
import { LogProbe } from '../../support/log-probe.ts'
import { testReceiverSettings } from '../../support/test-settings.ts'
import { exportByGrpcJs, failure, grpcClient, startReceiver } from './receiver-harness.ts'
import { spans } from './sample-requests.ts'

const BOTH = { grpc: { endpoint: '127.0.0.1:0' }, http: { endpoint: '127.0.0.1:0' } }

function connect(address: string): Promise<net.Socket> {
  const [host, port] = address.split(':')
  const socket = net.connect(Number(port), host)
  afterThisTest(() => {
    socket.destroy()
  })
  return once(socket, 'connect').then(() => socket)
}

/** Resolves when a consumer has been given a batch, whose outcome the test decides. */
function holdOutcome(receiver: Awaited<ReturnType<typeof startReceiver>>) {
  const outcome = Promise.withResolvers<Outcome>()
  const arrived = Promise.withResolvers<void>()
  receiver.recorder.answer = () => {
    arrived.resolve()
    return outcome.promise
  }
  return { arrived: arrived.promise, resolve: outcome.resolve }
}

describe('a start', () => {
  it('fails with what to change when a port is taken, and leaves none open', async () => {
    const taken = await startReceiver({ http: { endpoint: '127.0.0.1:0' } })
    const protocols = { ...BOTH, http: { endpoint: taken.httpAddress } }
    const receiver = new OtlpReceiver(testReceiverSettings('otlp/edge'), configSchema.parse({ protocols }), {})
    await expect(receiver.start()).rejects.toMatchObject({
      code: 'start_failed',
      message: expect.stringMatching(
        /^otlp\/edge cannot listen for http on .*: the port is taken;.*protocols\.http\.endpoint/,
      ),
    })
    expect(receiver.addresses.get('grpc')).toBe('127.0.0.1:0')
  })

  it('fails when a host or a certificate does not exist', async () => {
    for (const grpc of [
      { endpoint: 'no-such-host.invalid:0' },
      { endpoint: '127.0.0.1:0', tls: { cert_file: '/no/such/cert.pem', key_file: '/no/such/key.pem' } },
    ]) {
      const config = configSchema.parse({ protocols: { grpc } })
      const receiver = new OtlpReceiver(testReceiverSettings('otlp'), config, {})
      await expect(receiver.start()).rejects.toMatchObject({ code: 'start_failed' })
    }
  })

  it('says where it listens, and which keys change nothing', async () => {
    const logger = new LogProbe()
    await startReceiver({ grpc: { endpoint: '127.0.0.1:0', read_buffer_size: 524_288 } }, { logger })
    expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'protocols.grpc.read_buffer_size is accepted for compatibility and has no effect'],
      ['info', expect.stringMatching(/^listening for OTLP over grpc on 127\.0\.0\.1:\d+$/)],
    ])
  })

  it('binds localhost to 127.0.0.1, as senders expect', async () => {
    const receiver = await startReceiver({ grpc: { endpoint: 'localhost:0' } })
    expect(receiver.grpcAddress).toMatch(/^127\.0\.0\.1:/)
  })
})

describe('a stop over gRPC', () => {
  it('answers the calls under way, and takes no new ones', async () => {
    const receiver = await startReceiver(BOTH)
    const held = holdOutcome(receiver)
    const call = exportByGrpcJs(grpcClient(receiver.grpcAddress), 'traces', spans(3))
    await held.arrived
    const stopped = receiver.stop()
    const late = await failure(exportByGrpcJs(grpcClient(receiver.grpcAddress), 'traces', spans(1)))
    expect(late.code).toBe(grpc.status.UNAVAILABLE)
    held.resolve(ACCEPTED)
    await expect(call).resolves.toHaveLength(0)
    await stopped
    expect(receiver.settings.ledgers.traces).toMatchObject({ received: 3, accepted: 3 })
  })

  it('cuts off at the deadline what is still open', async () => {
    const receiver = await startReceiver(BOTH)
    const held = holdOutcome(receiver)
    const call = failure(exportByGrpcJs(grpcClient(receiver.grpcAddress), 'traces', spans(3)))
    await held.arrived
    const stopped = receiver.stop(receiver.settings.clock.nowMs() + 5000)
    receiver.settings.clock.advanceBy(5000)
    await stopped
    expect((await call).code).toBe(grpc.status.UNAVAILABLE)
    held.resolve(ACCEPTED)
  })

  it('does not wait for connections that rest', async () => {
    const receiver = await startReceiver(BOTH)
    const session = http2.connect(`http://${receiver.grpcAddress}`)
    await once(session, 'remoteSettings')
    await Promise.all([once(session, 'close'), receiver.stop()])
  })
})

describe('a stop over HTTP', () => {
  it('answers the requests under way and then closes their connections', async () => {
    const receiver = await startReceiver(BOTH)
    const held = holdOutcome(receiver)
    const agent = new http.Agent({ keepAlive: true })
    afterThisTest(() => agent.destroy())
    const request = http.request(`http://${receiver.httpAddress}/v1/traces`, {
      agent,
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
    })
    request.end(spans(3))
    await held.arrived
    const stopped = receiver.stop()
    held.resolve(ACCEPTED)
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    expect(response.statusCode).toBe(200)
    response.resume()
    await stopped
  })

  it('does not wait for connections that rest, or have said nothing yet', async () => {
    const receiver = await startReceiver(BOTH)
    const silent = await connect(receiver.httpAddress)
    const undecided = await connect(receiver.httpAddress)
    undecided.write('PR')
    const rested = await connect(receiver.httpAddress)
    rested.write('GET /nowhere HTTP/1.1\r\nhost: gateway\r\n\r\n')
    await once(rested, 'data')
    const closed = [silent, undecided, rested].map((socket) =>
      once(
        socket.resume().on('error', () => {}),
        'close',
      ),
    )
    await receiver.stop()
    await Promise.all(closed)
  })
})
