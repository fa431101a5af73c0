import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Exporter } from '../../../component/component.ts'
import { configSchema } from '../../../exporters/file/config.ts'
import { factory } from '../../../exporters/file/file.ts'
import { logsBatch, opaqueBytes, opaqueTraces } from '../../support/batches.ts'
import { LogProbe } from '../../support/log-probe.ts'
import { decodeRequest } from '../../support/otlp-oracle.ts'
import { TEST_START_MS, testExporterSettings } from '../../support/test-settings.ts'

const DAY_MS = 86_400_000

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'blindspot-file-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function create(config: object = {}) {
  const logger = new LogProbe()
  const settings = testExporterSettings('file', { logger })
  const path = join(folder, 'out.data')
  const exporter = factory.create(settings, configSchema.parse({ path, ...config }))
  const stop = () => exporter.stop(settings.clock.nowMs() + 10_000)
  return {
    exporter,
    stop,
    path,
    clock: settings.clock,
    ledgers: settings.ledgers,
    budget: settings.budget,
    log: logger.lines,
  }
}

async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await new Promise((resolve) => setImmediate(resolve))
}

/** The messages behind their lengths. */
function unframed(file: Buffer): Buffer[] {
  const messages: Buffer[] = []
  for (let at = 0; at < file.length; ) {
    const end = at + 4 + file.readUInt32BE(at)
    messages.push(file.subarray(at + 4, end))
    at = end
  }
  return messages
}

const BATCHES = [logsBatch('first'), logsBatch('second', 'third')]
const PROTO = BATCHES.map((batch) => Buffer.from(batch.source.bytes))
const JSON_TEXT = BATCHES.map((batch) => decodeRequest('logs', batch.source.bytes))

async function written(config: object): Promise<Buffer> {
  const { exporter, stop, path } = create(config)
  await exporter.start()
  for (const batch of BATCHES) exporter.consume(batch)
  await stop()
  return readFileSync(path)
}

const lines = (text: Buffer) => {
  expect(text.at(-1)).toBe(0x0a)
  return text
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

describe('the file exporter writes', () => {
  it('json: a line for each batch', async () => {
    expect(lines(await written({}))).toEqual(JSON_TEXT)
  })

  it('proto: the bytes of each batch behind their length', async () => {
    expect(unframed(await written({ format: 'proto' }))).toEqual(PROTO)
  })

  it('json with gzip: lines, in a file that gunzip reads', async () => {
    expect(lines(gunzipSync(await written({ compression: 'gzip' })))).toEqual(JSON_TEXT)
  })

  it('proto with gzip', async () => {
    expect(unframed(gunzipSync(await written({ format: 'proto', compression: 'gzip' })))).toEqual(PROTO)
  })

  it('json with zstd: each batch on its own, behind its length, as the Collector does', async () => {
    const messages = unframed(await written({ compression: 'zstd' }))
    expect(messages.map((message) => JSON.parse(zstdDecompressSync(message).toString()))).toEqual(JSON_TEXT)
  })

  it('proto with zstd', async () => {
    const messages = unframed(await written({ format: 'proto', compression: 'zstd' }))
    expect(messages.map((message) => zstdDecompressSync(message))).toEqual(PROTO)
  })

  it('at once, and counts what the system has as sent', async () => {
    const { exporter, stop, path, ledgers } = create()
    await exporter.start()
    exporter.consume(BATCHES[0]!)
    await until(() => ledgers.logs.sent === 1)
    expect(lines(readFileSync(path))).toEqual([JSON_TEXT[0]])
    await stop()
  })

  it('with gzip after flush_interval', async () => {
    const { exporter, stop, path, clock, ledgers } = create({ compression: 'gzip', flush_interval: '5s' })
    await exporter.start()
    exporter.consume(BATCHES[0]!)
    clock.advanceBy(4999)
    expect(ledgers.logs).toMatchObject({ held: 1, sent: 0 })
    clock.advanceBy(1)
    await until(() => ledgers.logs.sent === 1)
    expect(lines(gunzipSync(readFileSync(path)))).toEqual([JSON_TEXT[0]])
    await stop()
  })

  it('many batches in few chunks, in their order', async () => {
    const { exporter, stop, path, ledgers, budget } = create({ format: 'proto' })
    await exporter.start()
    const sent = Array.from({ length: 900 }, (_, i) => Buffer.alloc(1000 + i, i))
    for (const bytes of sent) exporter.consume(opaqueTraces(bytes, 1))
    await stop()
    const file = unframed(readFileSync(path))
    expect(file).toHaveLength(900)
    expect(Buffer.concat(file).equals(Buffer.concat(sent))).toBe(true)
    expect(ledgers.traces).toMatchObject({ accepted: 900, sent: 900, held: 0 })
    expect(budget.usedBytes).toBe(0)
  })
})

describe('the file exporter begins', () => {
  it.each([
    ['anew', {}, ''],
    ['where the file ends, with append', { append: true }, 'before\n'],
    ['where the file ends, with rotation', { rotation: {} }, 'before\n'],
  ])('%s', async (_case, config, kept) => {
    const { exporter, stop, path } = create(config)
    writeFileSync(path, 'before\n')
    await exporter.start()
    exporter.consume(BATCHES[0]!)
    await stop()
    expect(readFileSync(path, 'utf8')).toBe(`${kept}${JSON.stringify(JSON_TEXT[0])}\n`)
  })

  it('in a folder that it makes', async () => {
    const { exporter, stop } = create({ path: join(folder, 'a/b/out.json') })
    await exporter.start()
    await stop()
    expect(existsSync(join(folder, 'a/b/out.json'))).toBe(true)
  })

  it('not at all where the file cannot be opened', async () => {
    const { exporter } = create({ path: folder })
    await expect(exporter.start()).rejects.toMatchObject({
      code: 'start_failed',
      message: expect.stringContaining(folder),
    })
  })
})

describe('the file exporter rotates', () => {
  const rotation = { max_megabytes: 0.01, max_backups: 2 }
  const large = (fill: string) => opaqueBytes('logs', Buffer.alloc(6000, fill), 1)

  async function consumeOneByOne(exporter: Exporter, ledger: { sent: number }, fills: string): Promise<void> {
    for (const fill of fills) {
      const before = ledger.sent
      exporter.consume(large(fill))
      await until(() => ledger.sent === before + 1)
    }
  }

  it('by size, keeps max_backups, and names them by time', async () => {
    const { exporter, stop, path, ledgers } = create({ format: 'proto', rotation })
    await exporter.start()
    await consumeOneByOne(exporter, ledgers.logs, 'abcd')
    await stop()
    // 6 kB each and a limit of 10 kB: each in a file of its own, the first deleted.
    const names = readdirSync(folder).sort()
    expect(names).toEqual(['out-2026-01-01T00-00-00.001.data', 'out-2026-01-01T00-00-00.002.data', 'out.data'])
    const content = names.map((name) => String.fromCharCode(readFileSync(join(folder, name))[4]!))
    expect(content).toEqual(['b', 'c', 'd'])
    expect(existsSync(path)).toBe(true)
  })

  it('by age, and deletes what is older than max_days', async () => {
    const { exporter, stop, clock, ledgers } = create({ format: 'proto', rotation: { max_days: 3 } })
    await exporter.start()
    await consumeOneByOne(exporter, ledgers.logs, 'a')
    clock.advanceTo(TEST_START_MS + 3 * DAY_MS)
    await consumeOneByOne(exporter, ledgers.logs, 'b')
    expect(readdirSync(folder).sort()).toEqual(['out-2026-01-04T00-00-00.000.data', 'out.data'])
    clock.advanceTo(TEST_START_MS + 7 * DAY_MS)
    await consumeOneByOne(exporter, ledgers.logs, 'c')
    expect(readdirSync(folder).sort()).toEqual(['out-2026-01-08T00-00-00.000.data', 'out.data'])
    await stop()
  })

  it('and leaves files of other names alone', async () => {
    const others = ['out-keep.data', 'out-2026-01-01T00-00-00.000.other', 'other-2020-01-01T00-00-00.000.data']
    for (const name of others) writeFileSync(join(folder, name), '')
    const { exporter, stop, ledgers } = create({
      format: 'proto',
      rotation: { ...rotation, max_backups: 1, max_days: 1 },
    })
    await exporter.start()
    await consumeOneByOne(exporter, ledgers.logs, 'abc')
    await stop()
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(others))
  })
})

describe('the file exporter in trouble', () => {
  it('gives up a batch that cannot be written as JSON, and goes on with the others', async () => {
    const { exporter, stop, path, ledgers, log } = create()
    await exporter.start()
    exporter.consume(opaqueBytes('logs', Buffer.from([0x0a, 0x7f]), 3))
    exporter.consume(BATCHES[0]!)
    await stop()
    expect(ledgers.logs).toMatchObject({ accepted: 4, sent: 1, failed: 3, held: 0 })
    expect(log).toMatchObject([{ level: 'error' }])
    expect(lines(readFileSync(path))).toEqual([JSON_TEXT[0]])
  })

  it('tries again until the file can be written', async () => {
    const { exporter, stop, path, clock, ledgers, log } = create({ format: 'proto', rotation: { max_megabytes: 0.01 } })
    await exporter.start()
    exporter.consume(opaqueBytes('logs', Buffer.alloc(9000, 'a'), 1))
    await until(() => ledgers.logs.sent === 1)
    rmSync(folder, { recursive: true })
    exporter.consume(opaqueBytes('logs', Buffer.alloc(9000, 'b'), 1))
    await until(() => log.length === 1)
    expect(log[0]).toMatchObject({ level: 'warn', fields: { error: expect.stringContaining('ENOENT') } })
    mkdirSync(folder)
    clock.advanceBy(2000)
    await until(() => ledgers.logs.sent === 2)
    expect(unframed(readFileSync(path))).toEqual([Buffer.alloc(9000, 'b')])
    await stop()
  })

  const itWithFullDevice = existsSync('/dev/full') ? it : it.skip // a device of Linux that has no space, ever

  itWithFullDevice('drops at the deadline what a full disk did not take', async () => {
    const { exporter, clock, ledgers, log } = create({ path: '/dev/full', create_directory: false })
    await exporter.start()
    exporter.consume(BATCHES[1]!)
    await until(() => log.length === 1)
    expect(log[0]!.fields.error).toContain('ENOSPC')
    const stopped = exporter.stop(clock.nowMs() + 1000)
    clock.advanceBy(1000)
    await stopped
    expect(ledgers.logs.dropped).toEqual(new Map([['shutdown', 2]]))
  })
})
