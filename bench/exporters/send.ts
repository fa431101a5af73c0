import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuUsage } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import * as grpc from '@grpc/grpc-js'
import { createNoopMeter } from '@opentelemetry/api'
import { TracesBatch } from '../../component/batch.ts'
import { ByteBudget } from '../../component/budget.ts'
import { SystemClock } from '../../component/clock.ts'
import type { ExporterSettings } from '../../component/component.ts'
import type { Outcome } from '../../component/consumer.ts'
import type { FindingSink } from '../../component/finding.ts'
import { factory as file } from '../../exporters/file/file.ts'
import { factory as otlpGrpc } from '../../exporters/otlp-grpc/otlp-grpc.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { scanTraces } from '../../otlp/scan-traces.ts'
import { Source } from '../../otlp/source.ts'
import { SpanTable } from '../../otlp/span-table.ts'
import { ExporterLedger } from '../../telemetry/ledger.ts'
import { SILENT_LOGGER } from '../../telemetry/logger.ts'
import { Child } from '../harness/child-process.ts'
import { benchRequest, SPANS_PER_REQUEST } from '../otlp/load.ts'

// `node bench/exporters/send.ts`: what an exporter costs per span, in CPU time of this process, from a scanned batch to
// the acknowledged request (or the written file), 8 requests in flight; @grpc/grpc-js with the same bytes beside it.

const IN_FLIGHT = 8
const WARMUP_REQUESTS = 500
const REQUESTS = 4000

const clock = new SystemClock()
const refs = new RefCache()
/** They are scanned once and sent many times: the reference that they are born with keeps them. */
const batches = Array.from({ length: 16 }, (_, i) => scanned(benchRequest(i + 1)))
let next = 0

function nextBatch(): TracesBatch {
  return batches[next++ % batches.length]!
}

function scanned(request: Uint8Array): TracesBatch {
  const table = scanTraces(new Source(request), refs)
  if (!(table instanceof SpanTable)) throw new Error('the request is malformed')
  return new TracesBatch(table)
}

const findings: FindingSink = {
  evidenceLimit: 0,
  publish() {},
  contribute: () => () => {},
  addMetricProducer: () => () => {},
}

function settings(): ExporterSettings {
  const ledger = () => new ExporterLedger()
  return {
    id: 'bench',
    clock,
    logger: SILENT_LOGGER,
    meter: createNoopMeter(),
    budget: new ByteBudget(1024 * 1024 * 1024),
    findings,
    ledgers: { traces: ledger(), metrics: ledger(), logs: ledger(), profiles: ledger() },
  }
}

async function measure(name: string, send: () => unknown): Promise<void> {
  const run = async (count: number) => {
    let left = count
    const sendOneByOne = async () => {
      while (left-- > 0) await send()
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, sendOneByOne))
  }
  await run(WARMUP_REQUESTS)
  const from = cpuUsage()
  await run(REQUESTS)
  const { user, system } = cpuUsage(from)
  const nano = ((user + system) * 1000) / (REQUESTS * SPANS_PER_REQUEST)
  const millions = (1000 / nano).toFixed(2).padStart(7)
  console.log(`${name.padEnd(44)} ${nano.toFixed(1).padStart(7)} ns a span ${millions} M spans a CPU second`)
}

function accepted(outcome: Outcome): void {
  if (outcome.kind !== 'accepted') throw new Error(`a request was not sent: ${outcome.kind}`)
}

/** Waits for each request's result, so that the queue is never what is measured. */
async function measureGrpc(name: string, endpoint: string): Promise<void> {
  const sending_queue = { wait_for_result: true }
  const config = otlpGrpc.config.parse({ endpoint, tls: { insecure: true }, compression: 'none', sending_queue })
  const exporter = otlpGrpc.create(settings(), config)
  await exporter.start()
  await measure(name, async () => accepted(await exporter.consume(nextBatch())))
  await exporter.stop(clock.nowMs() + 10_000)
}

async function measureGrpcJs(name: string, endpoint: string): Promise<void> {
  const client = new grpc.Client(endpoint, grpc.credentials.createInsecure())
  const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
  const identity = (bytes: Buffer) => bytes
  await measure(name, () => {
    const bytes = nextBatch().encode()
    const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return new Promise<void>((resolve, reject) =>
      client.makeUnaryRequest(path, identity, identity, message, (error) =>
        error === null ? resolve() : reject(error),
      ),
    )
  })
  client.close()
}

async function measureFile(name: string, config: object): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'blindspot-bench-'))
  const path = join(folder, 'out')
  const rotation = { max_megabytes: 64, max_backups: 1 }
  const at = settings()
  const exporter = file.create(at, file.config.parse({ path, rotation, ...config }))
  await exporter.start()
  const ledger = at.ledgers.traces
  await measure(name, async () => {
    accepted(await exporter.consume(nextBatch()))
    while (ledger.queueSize > IN_FLIGHT) await sleep(1)
  })
  await exporter.stop(clock.nowMs() + 10_000)
  rmSync(folder, { recursive: true })
}

const sink = new Child(new URL('../load/sink.ts', import.meta.url))
const endpoint = `127.0.0.1:${await sink.ask<number>('port')}`
await measureGrpc('otlp_grpc', endpoint)
await measureGrpcJs('@grpc/grpc-js, the same requests', endpoint)
sink.end()
await measureFile('file, proto', { format: 'proto' })
await measureFile('file, json', { format: 'json' })
