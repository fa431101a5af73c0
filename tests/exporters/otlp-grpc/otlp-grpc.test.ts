import { describe, expect, it } from '@jest/globals'
import { configSchema } from '../../../exporters/otlp-grpc/config.ts'
import { factory } from '../../../exporters/otlp-grpc/otlp-grpc.ts'
import { opaqueTraces } from '../../support/batches.ts'
import { traceRequest } from '../../support/otlp-builder.ts'
import { OtlpGrpcSink } from '../../support/otlp-sink.ts'
import { testExporterSettings } from '../../support/test-settings.ts'

const REQUEST = traceRequest([{ service: 'cart', spans: [{ name: 'GET /cart' }, { name: 'SELECT' }] }])

describe('otlp_grpc against a gRPC server of another make', () => {
  it.each(['gzip', 'none'])('delivers a request byte for byte (compression %s)', async (compression) => {
    const sink = await OtlpGrpcSink.start()
    const settings = testExporterSettings('otlp_grpc')
    const exporter = factory.create(settings, configSchema.parse({ endpoint: `http://${sink.endpoint}`, compression }))
    await exporter.start()
    expect(exporter.consume(opaqueTraces(REQUEST, 2))).toEqual({ kind: 'accepted' })
    await sink.taken(1)
    expect(sink.requests[0]!.bytes).toEqual(Buffer.from(REQUEST))
    await exporter.stop(settings.clock.nowMs() + 1000)
    expect(settings.ledgers.traces).toMatchObject({ accepted: 2, sent: 2, held: 0, failed: 0, queueSize: 0 })
    await sink.stop()
  })
})
