import { once } from 'node:events'
import http2 from 'node:http2'
import { describe, expect, it } from '@jest/globals'
import { ACCEPTED, type Outcome } from '../../../component/consumer.ts'
import { afterThisTest } from '../../support/after-this-test.ts'
import { exportByGrpcJs, grpcClient, startReceiver } from './receiver-harness.ts'
import { spans } from './sample-requests.ts'

/** Keys as a user writes them. */
type Keepalive = Readonly<Record<string, Readonly<Record<string, unknown>>>>

const MINUTE_MS = 60_000

/** A receiver with these settings and one connection to it. */
async function connected(keepalive: Keepalive) {
  const receiver = await startReceiver({ grpc: { endpoint: '127.0.0.1:0', keepalive } })
  const session = http2.connect(`http://${receiver.grpcAddress}`)
  session.on('error', () => {})
  afterThisTest(() => session.destroy())
  await once(session, 'remoteSettings')
  return { receiver, session, clock: receiver.settings.clock }
}

function ping(session: http2.ClientHttp2Session): Promise<boolean> {
  return new Promise((resolve) => {
    session.once('close', () => resolve(false))
    if (!session.ping((error) => resolve(error === null))) resolve(false)
  })
}

describe('a connection', () => {
  it('is closed after max_connection_idle without a call, and not before', async () => {
    const { session, clock } = await connected({ server_parameters: { max_connection_idle: '5m' } })
    clock.advanceBy(4 * MINUTE_MS)
    expect(await ping(session)).toBe(true)
    clock.advanceBy(MINUTE_MS)
    await once(session, 'close')
  })

  it('is not idle while a call is open', async () => {
    const { receiver, clock } = await connected({ server_parameters: { max_connection_idle: '5m' } })
    const outcome = Promise.withResolvers<Outcome>()
    receiver.recorder.answer = () => {
      clock.advanceBy(10 * MINUTE_MS)
      queueMicrotask(() => outcome.resolve(ACCEPTED))
      return outcome.promise
    }
    await expect(exportByGrpcJs(grpcClient(receiver.grpcAddress), 'traces', spans(1))).resolves.toHaveLength(0)
  })

  it('is asked to come again at max_connection_age, give or take a tenth', async () => {
    const { session, clock } = await connected({ server_parameters: { max_connection_age: '10m' } })
    clock.advanceBy(8.9 * MINUTE_MS)
    expect(await ping(session)).toBe(true)
    const goaway = once(session, 'goaway')
    clock.advanceBy(2.2 * MINUTE_MS)
    expect((await goaway)[0]).toBe(http2.constants.NGHTTP2_NO_ERROR)
  })

  it('is pinged when it was silent for `time`', async () => {
    const { session, clock } = await connected({ server_parameters: { time: '1m', timeout: '10m' } })
    const pinged = once(session, 'ping')
    // In the first minute it may have been heard: the settings of both sides.
    clock.advanceBy(2 * MINUTE_MS)
    await pinged
  })
})

describe('a connection that does not answer pings', () => {
  it('is cut off, and its timers end with it', async () => {
    const { session, clock } = await connected({ server_parameters: { time: '1m', timeout: '20s' } })
    // The clock leaves no time for an answer: it runs on within one turn of the event loop.
    clock.advanceBy(10 * MINUTE_MS)
    await once(session, 'close')
  })
})

describe('a client that pings', () => {
  it('more often than min_time is sent away after two that are forgiven', async () => {
    const { session } = await connected({ enforcement_policy: { min_time: '1m', permit_without_stream: true } })
    const goaway = once(session, 'goaway')
    for (let i = 0; i < 3; i++) expect(await ping(session)).toBe(true)
    await ping(session)
    const [code, , reason] = (await goaway) as [number, number, Buffer]
    expect([code, reason.toString()]).toEqual([http2.constants.NGHTTP2_ENHANCE_YOUR_CALM, 'too_many_pings'])
  })

  it('as often as it may is served', async () => {
    const { session, clock } = await connected({ enforcement_policy: { min_time: '1m', permit_without_stream: true } })
    for (let i = 0; i < 10; i++) {
      expect(await ping(session)).toBe(true)
      clock.advanceBy(MINUTE_MS)
    }
  })

  it('without a call needs permit_without_stream', async () => {
    const { session, clock } = await connected({ enforcement_policy: { min_time: '1m' } })
    const goaway = once(session, 'goaway')
    for (let i = 0; i < 4; i++) {
      await ping(session)
      clock.advanceBy(2 * MINUTE_MS)
    }
    await goaway
  })
})
