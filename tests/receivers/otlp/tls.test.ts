import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import http2 from 'node:http2'
import https from 'node:https'
import * as grpc from '@grpc/grpc-js'
import { describe, expect } from '@jest/globals'
import { afterThisTest } from '../../support/after-this-test.ts'
import { type Certificate, itWithOpenssl, selfSigned } from '../../support/certificates.ts'
import { LogProbe } from '../../support/log-probe.ts'
import { exportByGrpcJs, failure, startReceiver } from './receiver-harness.ts'
import { spans } from './sample-requests.ts'

function secureClient(address: string, ca: Certificate, own?: Certificate): grpc.Client {
  const credentials = own ? grpc.credentials.createSsl(ca.cert, own.key, own.cert) : grpc.credentials.createSsl(ca.cert)
  const client = new grpc.Client(address, credentials)
  afterThisTest(() => client.close())
  return client
}

function files(certificate: Certificate) {
  return { cert_file: certificate.certFile, key_file: certificate.keyFile }
}

describe('gRPC over TLS', () => {
  itWithOpenssl('serves clients that trust its certificate', async () => {
    const server = selfSigned('localhost')
    const receiver = await startReceiver({ grpc: { endpoint: '127.0.0.1:0', tls: files(server) } })
    await exportByGrpcJs(secureClient(receiver.grpcAddress, server), 'traces', spans(3))
    expect(receiver.settings.ledgers.traces.accepted).toBe(3)
  })

  itWithOpenssl('lets in only clients with a certificate, where client_ca_file says so', async () => {
    const server = selfSigned('localhost')
    const known = selfSigned('known')
    const tls = { ...files(server), client_ca_file: known.certFile }
    const receiver = await startReceiver({ grpc: { endpoint: '127.0.0.1:0', tls } })
    await exportByGrpcJs(secureClient(receiver.grpcAddress, server, known), 'traces', spans(3))
    const strangers = [
      secureClient(receiver.grpcAddress, server),
      secureClient(receiver.grpcAddress, server, selfSigned('x')),
    ]
    for (const stranger of strangers)
      expect((await failure(exportByGrpcJs(stranger, 'traces', spans(1)))).code).toBe(grpc.status.UNAVAILABLE)
    expect(receiver.settings.ledgers.traces.accepted).toBe(3)
  })

  itWithOpenssl('takes up a renewed certificate, and keeps the old one where the new cannot be read', async () => {
    const [old, renewed] = [selfSigned('localhost'), selfSigned('localhost')]
    const logger = new LogProbe()
    const tls = { ...files(old), reload_interval: '1m' }
    const receiver = await startReceiver({ grpc: { endpoint: '127.0.0.1:0', tls } }, { logger })
    const warned = Promise.withResolvers<void>()
    logger.warn = () => {
      warned.resolve()
      return undefined
    }
    writeFileSync(old.certFile, 'no certificate')
    receiver.settings.clock.advanceBy(60_000)
    await warned.promise
    await exportByGrpcJs(secureClient(receiver.grpcAddress, old), 'traces', spans(1))

    writeFileSync(old.certFile, renewed.cert)
    writeFileSync(old.keyFile, renewed.key)
    receiver.settings.clock.advanceBy(60_000)
    await expect(untilServed(() => secureClient(receiver.grpcAddress, renewed))).resolves.toBeUndefined()
  })
})

/** The files are read in the background: a few tries until a client of the new certificate gets in. */
async function untilServed(connect: () => grpc.Client): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const error = await exportByGrpcJs(connect(), 'traces', spans(1)).then(
      () => null,
      (reason: Error) => reason,
    )
    if (error === null) return
    if (attempt === 20) throw error
  }
}

describe('HTTP over TLS', () => {
  itWithOpenssl('speaks HTTP/1.1 and HTTP/2, as the client wants', async () => {
    const server = selfSigned('localhost')
    const receiver = await startReceiver({ http: { endpoint: '127.0.0.1:0', tls: files(server) } })
    const url = `https://${receiver.httpAddress}`
    const headers = { 'content-type': 'application/x-protobuf' }

    const request = https.request(`${url}/v1/traces`, { method: 'POST', ca: server.cert, headers, agent: false })
    request.end(spans(2))
    const [response] = await once(request, 'response')
    expect([response.statusCode, response.httpVersion]).toEqual([200, '1.1'])
    response.resume()

    const session = http2.connect(url, { ca: server.cert })
    afterThisTest(() => session.close())
    const stream = session.request({ ':method': 'POST', ':path': '/v1/traces', ...headers })
    stream.end(spans(3))
    const [http2Headers] = await once(stream, 'response')
    expect(http2Headers[':status']).toBe(200)
    stream.resume()
    expect(receiver.settings.ledgers.traces.accepted).toBe(5)
  })
})
