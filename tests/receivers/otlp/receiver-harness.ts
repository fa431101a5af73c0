import * as grpc from '@grpc/grpc-js'
import { expect } from '@jest/globals'
import type { z } from 'zod'
import type { Batch } from '../../../component/batch.ts'
import type { NextBySignal } from '../../../component/component.ts'
import { ACCEPTED, type Consumer, type Outcome } from '../../../component/consumer.ts'
import { SIGNALS, type Signal } from '../../../component/signal.ts'
import { configSchema } from '../../../receivers/otlp/config.ts'
import { OtlpReceiver } from '../../../receivers/otlp/otlp-receiver.ts'
import { SERVICES } from '../../../receivers/otlp/services.ts'
import { afterThisTest } from '../../support/after-this-test.ts'
import { testReceiverSettings } from '../../support/test-settings.ts'

/** Keeps what reaches it, and answers what the test wants. */
export class Recorder implements Consumer<Batch> {
  readonly batches: { signal: Signal; items: number; bytes: Buffer }[] = []
  answer: (batch: Batch) => Outcome | Promise<Outcome> = () => ACCEPTED

  consume(batch: Batch): Outcome | Promise<Outcome> {
    this.batches.push({ signal: batch.signal, items: batch.itemCount, bytes: Buffer.from(batch.encode()) })
    return this.answer(batch)
  }
}

export type Protocols = z.input<typeof configSchema>['protocols']

/** A receiver on ports of the system's choice, with a recorder behind every signal of `signals`; stops with the test. */
export async function startReceiver(
  protocols: Protocols,
  {
    signals = SIGNALS,
    ...overrides
  }: { signals?: readonly Signal[] } & Parameters<typeof testReceiverSettings>[1] = {},
) {
  const settings = testReceiverSettings('otlp', overrides)
  const recorder = new Recorder()
  const next = Object.fromEntries(signals.map((signal) => [signal, recorder])) as NextBySignal
  const receiver = new OtlpReceiver(settings, configSchema.parse({ protocols }), next)
  await receiver.start()
  afterThisTest(async () => {
    await receiver.stop(settings.clock.nowMs() + 10_000)
    expect(settings.budget.usedBytes).toBe(0)
  })
  return {
    settings,
    recorder,
    receiver,
    grpcAddress: receiver.addresses.get('grpc') ?? '',
    httpAddress: receiver.addresses.get('http') ?? '',
    stop: (deadlineMs = settings.clock.nowMs() + 10_000) => receiver.stop(deadlineMs),
  }
}

const same = (bytes: Buffer) => bytes

/** One Export call by grpc-js, with the bytes as they are. */
export function exportByGrpcJs(
  client: grpc.Client,
  signal: Signal,
  request: Uint8Array,
  options: grpc.CallOptions = {},
  metadata = new grpc.Metadata(),
): Promise<Buffer> {
  const path = `/${SERVICES[signal].grpcName}/Export`
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, Buffer.from(request), metadata, options, (error, response) => {
      if (error) reject(error)
      else resolve(response!)
    })
  })
}

export function grpcClient(address: string, options: grpc.ClientOptions = {}): grpc.Client {
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), options)
  afterThisTest(() => client.close())
  return client
}

/** Why a call failed. */
export async function failure(call: Promise<unknown>): Promise<grpc.ServiceError> {
  const error = await call.then(
    () => null,
    (reason: grpc.ServiceError) => reason,
  )
  if (error === null) throw new Error('the call succeeded')
  return error
}
