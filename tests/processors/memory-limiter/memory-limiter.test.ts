import { describe, expect, it } from '@jest/globals'
import { configSchema } from '../../../processors/memory-limiter/config.ts'
import { MemoryLimiter } from '../../../processors/memory-limiter/memory-limiter.ts'
import { PROCESS_MEMORY } from '../../../processors/memory-limiter/process-memory.ts'
import { logsBatch } from '../../support/batches.ts'
import { ScriptedConsumer } from '../../support/consumers.ts'
import { LogProbe } from '../../support/log-probe.ts'
import { testProcessorSettings } from '../../support/test-settings.ts'

const MIB = 1024 * 1024

/** A process of 1000 MiB whose collections free `garbageMib`. */
class FakeMemory {
  usedMib = 0
  garbageMib = 0
  collections = 0

  usedBytes(): number {
    return this.usedMib * MIB
  }

  totalBytes(): number {
    return 1000 * MIB
  }

  collect(): void {
    this.collections++
    this.usedMib -= this.garbageMib
    this.garbageMib = 0
  }
}

async function limiter(config: object) {
  const logger = new LogProbe()
  const settings = testProcessorSettings('memory_limiter', 'logs', { logger })
  const memory = new FakeMemory()
  const next = new ScriptedConsumer()
  const processor = new MemoryLimiter(settings, configSchema.parse({ check_interval: '1s', ...config }), next, memory)
  await processor.start()
  const outcome = () => processor.consume(logsBatch('x'))
  /** Looks at a process that uses so much. */
  const look = (usedMib: number, garbageMib = 0) => {
    memory.usedMib = usedMib
    memory.garbageMib = garbageMib
    settings.clock.advanceBy(1000)
    return outcome()
  }
  return { ...settings, logger, memory, next, processor, look, outcome }
}

describe('memory_limiter', () => {
  it.each<[string, object, number]>([
    ['limit_mib less a fifth', { limit_mib: 100 }, 80],
    ['limit_mib less spike_limit_mib', { limit_mib: 100, spike_limit_mib: 40 }, 60],
    ['a percentage less a fifth', { limit_percentage: 50 }, 400],
    ['a percentage less a percentage', { limit_percentage: 50, spike_limit_percentage: 20 }, 300],
    ['limit_mib before a percentage', { limit_mib: 100, limit_percentage: 50 }, 80],
  ])('refuses above %s', async (_, config, softMib) => {
    const { look } = await limiter(config)
    expect(look(softMib)).toMatchObject({ kind: 'accepted' })
    expect(look(softMib + 1)).toMatchObject({ kind: 'refused' })
    expect(look(softMib)).toMatchObject({ kind: 'accepted' })
  })

  it('refuses so that the sender tries again, and hands nothing on', async () => {
    const { look, next } = await limiter({ limit_mib: 100 })
    expect(look(90)).toMatchObject({
      kind: 'refused',
      error: {
        code: 'memory_exhausted',
        retryable: true,
        retryAfterMs: 1000,
        message: 'data refused due to high memory usage',
      },
    })
    expect(next.offers).toBe(0)
  })

  it('looks only at intervals', async () => {
    const { memory, outcome, clock } = await limiter({ limit_mib: 100 })
    memory.usedMib = 200
    clock.advanceBy(999)
    expect(outcome()).toMatchObject({ kind: 'accepted' })
    clock.advanceBy(1)
    expect(outcome()).toMatchObject({ kind: 'refused' })
  })

  it('collects garbage before it refuses', async () => {
    const { look, memory } = await limiter({ limit_mib: 100 })
    expect(look(90, 50)).toMatchObject({ kind: 'accepted' })
    expect(memory.collections).toBe(1)
  })

  it('collects every 10 s above the soft limit, at every look above the hard one, and less often when it does not help', async () => {
    const { look, memory } = await limiter({ limit_mib: 100 })
    for (let i = 0; i < 30; i++) look(90, 10)
    expect(memory.collections).toBe(3)
    memory.collections = 0
    for (let i = 0; i < 10; i++) look(110, 10)
    expect(memory.collections).toBe(10)
    memory.collections = 0
    for (let i = 0; i < 30; i++) look(110)
    expect(memory.collections).toBe(5)
  })

  it('says when it begins and when it ends to refuse, and nothing between', async () => {
    const { look, logger } = await limiter({ limit_mib: 100 })
    for (const usedMib of [90, 95, 90, 10, 10]) look(usedMib)
    expect(logger.lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'warn: memory usage is above the soft limit, refusing data (90 MiB in use, soft limit 80 MiB)',
      'info: memory usage is back within limits, data is taken again (10 MiB in use, soft limit 80 MiB)',
    ])
  })

  it('reads and collects the memory of this process', () => {
    let ballast: Uint8Array | null = new Uint8Array(64 * MIB)
    const before = PROCESS_MEMORY.usedBytes()
    expect(before).toBeGreaterThan(ballast.length)
    ballast = null
    PROCESS_MEMORY.collect()
    expect(PROCESS_MEMORY.usedBytes()).toBeLessThan(before - 32 * MIB)
    expect(PROCESS_MEMORY.totalBytes()).toBeGreaterThan(before)
  })

  it.each<[object, string]>([
    [{ check_interval: '0', limit_mib: 1 }, 'checkInterval must be greater than zero; write 1s'],
    [
      { check_interval: '1s' },
      'limit_mib or limit_percentage must be greater than zero; write the limit in MiB, such as 512',
    ],
    [
      { check_interval: '1s', limit_mib: 5, spike_limit_mib: 5 },
      'spike_limit_mib must be smaller than limit_mib; write a fifth of it',
    ],
  ])('does not run as %j', (config, message) => {
    expect(configSchema.safeParse(config).error?.issues.map((issue) => issue.message)).toEqual([message])
  })
})
