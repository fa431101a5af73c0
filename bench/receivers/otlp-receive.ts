import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from '../harness/child-process.ts'
import type { ReceiverUsage } from './receiver-process.ts'

// `node bench/receivers/otlp-receive.ts [seconds]`: spans per CPU second of the `otlp` receiver alone, gRPC without
// compression, requests of 512 spans, 8 in flight on one connection, sent by a process of its own.

const WARMUP_SECONDS = 3
const seconds = Number(process.argv[2] ?? 10)

const receiver = new Child(new URL('./receiver-process.ts', import.meta.url))
const load = new Child(new URL('../load/generator.ts', import.meta.url), [await receiver.ask<string>('address')])
try {
  await load.ask('start')
  await sleep(WARMUP_SECONDS * 1000)
  const before = await receiver.ask<ReceiverUsage>('usage')
  await sleep(seconds * 1000)
  const after = await receiver.ask<ReceiverUsage>('usage')
  await load.ask('stop')
  const spans = after.spans - before.spans
  const userSeconds = after.userSeconds - before.userSeconds
  const systemSeconds = after.systemSeconds - before.systemSeconds
  const perCpuSecond = spans / (userSeconds + systemSeconds)
  console.log(`${(perCpuSecond / 1e6).toFixed(2)} M spans per CPU second`)
  console.log(`${(spans / seconds / 1e6).toFixed(2)} M spans per second`)
  console.log(`${userSeconds.toFixed(2)} s in user, ${systemSeconds.toFixed(2)} s in system code, of ${seconds} s`)
  console.log(`${after.peakMemoryMb.toFixed(0)} MB peak memory`)
} finally {
  load.end()
  receiver.end()
}
