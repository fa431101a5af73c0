import * as grpc from '@grpc/grpc-js'
import { Service } from '../../pipeline/service.ts'
import { SILENT_LOGGER } from '../../telemetry/logger.ts'
import { afterThisTest } from './after-this-test.ts'
import { configOf } from './config.ts'

/** A whole gateway in this process, on ports that the system chose. */
export class RunningService {
  readonly service: Service
  readonly #client: grpc.Client
  #stopped = false

  private constructor(service: Service) {
    this.service = service
    this.#client = new grpc.Client(this.address('grpc'), grpc.credentials.createInsecure())
  }

  /** A configuration, or several that are merged; the receiver `otlp` and the own metrics are added here. */
  static async start(text: string | readonly string[]): Promise<RunningService> {
    const own = `
receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" }, http: { endpoint: "127.0.0.1:0" } } } }
service: { telemetry: { metrics: { address: "127.0.0.1:0" } } }
`
    const service = await Service.create(configOf([own, ...(typeof text === 'string' ? [text] : text)]), {
      version: 'test',
      logger: SILENT_LOGGER,
    })
    await service.start()
    const running = new RunningService(service)
    // Where a test fails, nothing stays behind that keeps jest from ending.
    afterThisTest(() => running.#abandon())
    return running
  }

  /** Where the receiver `otlp` listens for a protocol. */
  address(protocol: 'grpc' | 'http'): string {
    const { component } = this.service.gateway.receivers.find((node) => node.id === 'otlp')!
    return (component as unknown as { addresses: ReadonlyMap<string, string> }).addresses.get(protocol)!
  }

  /** One export of traces by @grpc/grpc-js; null where it was accepted, else what the sender was told. */
  exportTraces(bytes: Uint8Array): Promise<grpc.ServiceError | null> {
    const identity = (buffer: Buffer) => buffer
    return new Promise((resolve) =>
      this.#client.makeUnaryRequest(
        '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
        identity,
        identity,
        Buffer.from(bytes),
        (error) => resolve(error),
      ),
    )
  }

  /** The own metrics as Prometheus gets them: values by name and labels, as written. */
  async scrape(): Promise<ReadonlyMap<string, number>> {
    const text = await this.service.ownMetrics.endpoints[0]!.scrape()
    return new Map(
      text
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
    )
  }

  async #abandon(): Promise<void> {
    if (this.#stopped) return
    this.#client.close()
    await this.service.gateway.stop(0)
    await this.service.stop()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#client.close()
    // Timers of the gateway do not keep a process alive; this one does while it drains.
    const alive = setInterval(() => {}, 1000)
    await this.service.stop()
    clearInterval(alive)
  }
}

/** The sum of all series of a metric whose labels contain `labels`. */
export function total(metrics: ReadonlyMap<string, number>, name: string, labels = ''): number {
  let sum = 0
  for (const [series, value] of metrics) if (series.split('{')[0] === name && series.includes(labels)) sum += value
  return sum
}
