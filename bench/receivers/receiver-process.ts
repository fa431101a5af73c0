import { createNoopMeter } from '@opentelemetry/api'
import { ByteBudget } from '../../component/budget.ts'
import { SystemClock } from '../../component/clock.ts'
import type { ReceiverSettings } from '../../component/component.ts'
import { ACCEPTED } from '../../component/consumer.ts'
import { configSchema } from '../../receivers/otlp/config.ts'
import { OtlpReceiver } from '../../receivers/otlp/otlp-receiver.ts'
import { ReceiverLedger } from '../../telemetry/ledger.ts'
import { SILENT_LOGGER } from '../../telemetry/logger.ts'
import { answerParent } from '../harness/child-process.ts'

// A process of its own: the `otlp` receiver and nothing behind it.

const ledgers = {
  traces: new ReceiverLedger(),
  metrics: new ReceiverLedger(),
  logs: new ReceiverLedger(),
  profiles: new ReceiverLedger(),
}
const settings: ReceiverSettings = {
  id: 'otlp',
  clock: new SystemClock(),
  logger: SILENT_LOGGER,
  meter: createNoopMeter(),
  budget: new ByteBudget(512 * 1024 * 1024),
  findings: {
    evidenceLimit: 0,
    publish: () => {},
    contribute: () => () => {},
    addMetricProducer: () => () => {},
  },
  ledgers,
}
const protocols = { grpc: { endpoint: '127.0.0.1:0' } }
const receiver = new OtlpReceiver(settings, configSchema.parse({ protocols }), {
  traces: { consume: () => ACCEPTED },
})
await receiver.start()

export interface ReceiverUsage {
  readonly spans: number
  readonly userSeconds: number
  readonly systemSeconds: number
  readonly peakMemoryMb: number
}

answerParent({
  address: () => receiver.addresses.get('grpc'),
  usage: (): ReceiverUsage => {
    const { user, system } = process.cpuUsage()
    return {
      spans: ledgers.traces.accepted,
      userSeconds: user / 1e6,
      systemSeconds: system / 1e6,
      peakMemoryMb: process.resourceUsage().maxRSS / 1000,
    }
  },
})
