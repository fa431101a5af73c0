import * as grpc from '@grpc/grpc-js'
import { jsonToProtobuf } from '../../otlp/json/json-to-protobuf.ts'
import { MalformedJson } from '../../otlp/json/malformed-json.ts'
import type { DemoSignal } from './recording.ts'

const METHODS: Readonly<Record<DemoSignal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
}

const CONNECT_MS = 3000

const identity = (bytes: Buffer) => bytes

/** Sends OTLP over gRPC as an SDK would. */
export class OtlpClient {
  readonly #client: grpc.Client

  constructor(endpoint: string) {
    this.#client = new grpc.Client(endpoint, grpc.credentials.createInsecure())
  }

  /** Whether something listens there. */
  isReached(): Promise<boolean> {
    return new Promise((resolve) => this.#client.waitForReady(Date.now() + CONNECT_MS, (error) => resolve(!error)))
  }

  /** Resolves to null, or to why the request was not taken. */
  send(signal: DemoSignal, json: object): Promise<string | null> {
    const bytes = jsonToProtobuf(signal, json)
    if (bytes instanceof MalformedJson) return Promise.resolve(bytes.message)
    return new Promise((resolve) =>
      this.#client.makeUnaryRequest(METHODS[signal], identity, identity, Buffer.from(bytes), (error) =>
        resolve(error === null ? null : error.message),
      ),
    )
  }

  close(): void {
    this.#client.close()
  }
}
