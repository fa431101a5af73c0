import { describe, expect, it } from '@jest/globals'
import { GOAL_BELOW_512_MIB, goFleet, MIB_512, NO_GOAL, type Numbers, OFF, PROMETHEUS_OFF } from './go-fleet.ts'

describe('GO-001 gc_disabled: a process with GOGC=off', () => {
  it.each<[string, Numbers, string, number, string]>([
    [
      'without limit, from the OpenTelemetry instrumentation',
      { 'go.config.gogc': OFF, 'go.memory.gc.goal': NO_GOAL },
      'error',
      0.99,
      'go.config.gogc',
    ],
    [
      'without limit, as a signed number',
      { 'go.config.gogc': '-1', 'go.memory.gc.goal': NO_GOAL },
      'error',
      0.99,
      'go.config.gogc',
    ],
    [
      'with GOMEMLIMIT=512MiB',
      { 'go.config.gogc': OFF, 'go.memory.limit': MIB_512, 'go.memory.gc.goal': GOAL_BELOW_512_MIB },
      'info',
      0.99,
      'go.config.gogc',
    ],
    [
      'with a limit that only shows in the heap goal',
      { 'go.config.gogc': OFF, 'go.memory.gc.goal': GOAL_BELOW_512_MIB },
      'info',
      0.99,
      'go.config.gogc',
    ],
    [
      'with a limit, without the heap goal',
      { 'go.config.gogc': OFF, 'go.memory.limit': MIB_512 },
      'info',
      0.99,
      'go.config.gogc',
    ],
    [
      'without limit, from Prometheus',
      { go_gc_gogc_percent: PROMETHEUS_OFF, go_gc_gomemlimit_bytes: 2 ** 63 },
      'error',
      0.99,
      'go_gc_gogc_percent',
    ],
    [
      'with a limit, from Prometheus',
      { go_gc_gogc_percent: PROMETHEUS_OFF, go_gc_gomemlimit_bytes: MIB_512, go_memstats_next_gc_bytes: 5e8 },
      'info',
      0.99,
      'go_gc_gogc_percent',
    ],
    ['that sends its heap goal only', { 'go.memory.gc.goal': NO_GOAL }, 'error', 0.95, 'go.memory.gc.goal'],
  ])('%s', async (_which, numbers, level, confidence, metric) => {
    const { exportFrom, found } = await goFleet()
    exportFrom(numbers)
    expect(found()).toMatchObject([
      {
        rule: 'GO-001',
        cause: 'gogc_off',
        level,
        state: 'confirmed',
        confidence,
        place: { service: 'cart', instance: 'cart-1', operation: null, edge: null },
        occurrences: 1,
        population: 1,
        evidence: [{ kind: 'metric', metric, instance: 'cart-1' }],
      },
    ])
  })

  it('that sends neither goal nor limit is found at its second export: the limit may be in another request', async () => {
    const { exportEveryMinute, found } = await goFleet()
    exportEveryMinute(1, { 'go.config.gogc': OFF })
    expect(found()).toEqual([])
    exportEveryMinute(1, { 'go.config.gogc': OFF })
    expect(found()).toMatchObject([{ level: 'error', confidence: 0.9, occurrences: 2 }])
  })

  it('says it so that an operator knows what to do', async () => {
    const { exportFrom, found } = await goFleet()
    exportFrom({ 'go.config.gogc': OFF, 'go.memory.gc.goal': NO_GOAL })
    exportFrom({ 'go.config.gogc': OFF, 'go.memory.limit': MIB_512 }, { service: 'shop', instance: 'shop-1' })
    const messages = found().map((finding) => [finding.place.service, finding.message])
    expect(Object.fromEntries(messages)).toEqual({
      cart: 'The garbage collector of cart (cart-1) is switched off (GOGC=off) and no memory limit is set: the heap only grows until the process is killed.',
      shop: 'The garbage collector of shop (shop-1) is switched off (GOGC=off) and runs only when memory nears its limit: fine where that is meant.',
    })
  })

  it('counts one occurrence for each export, however often a point comes', async () => {
    const { exportEveryMinute, exportFrom, found, clock } = await goFleet()
    const numbers = { 'go.config.gogc': OFF, 'go.memory.gc.goal': NO_GOAL }
    exportEveryMinute(3, numbers)
    exportFrom(numbers)
    exportFrom(numbers)
    expect(found()).toMatchObject([{ occurrences: 4, population: 4 }])
    expect(found()[0]!.lastUnixNano).toBe(clock.nowUnixNano())
  })

  it('is one finding for each instance', async () => {
    const { exportFrom, found } = await goFleet()
    for (const instance of ['cart-1', 'cart-2']) exportFrom({ 'go.memory.gc.goal': NO_GOAL }, { instance })
    exportFrom({ 'go.config.gogc': 100, 'go.memory.gc.goal': 4e6 }, { instance: 'cart-3' })
    expect(
      found()
        .map((finding) => finding.place.instance)
        .sort(),
    ).toEqual(['cart-1', 'cart-2'])
  })

  it('resolves when its process is restarted without it', async () => {
    const { exportEveryMinute, found } = await goFleet()
    exportEveryMinute(2, { 'go.config.gogc': OFF, 'go.memory.gc.goal': NO_GOAL })
    exportEveryMinute(11, { 'go.config.gogc': 100, 'go.memory.gc.goal': 4e6 })
    expect(found()).toMatchObject([{ state: 'resolved', occurrences: 2 }])
  })

  it('falls from an error to a remark when a limit is set', async () => {
    const { exportEveryMinute, found } = await goFleet()
    exportEveryMinute(2, { 'go.config.gogc': OFF, 'go.memory.gc.goal': NO_GOAL })
    exportEveryMinute(1, { 'go.config.gogc': OFF, 'go.memory.gc.goal': GOAL_BELOW_512_MIB })
    expect(found()).toMatchObject([{ level: 'info', occurrences: 3 }])
  })

  it('does not inherit the limit of the process that it replaced', async () => {
    const { exportEveryMinute, found } = await goFleet()
    const numbers = { 'go.config.gogc': OFF }
    exportEveryMinute(2, { ...numbers, 'go.memory.limit': MIB_512 }, { resource: { 'process.pid': 7 } })
    expect(found()).toMatchObject([{ level: 'info' }])
    exportEveryMinute(1, numbers, { resource: { 'process.pid': 8 } })
    expect(found()).toMatchObject([{ level: 'error' }])
  })

  it.each<[string, string, Numbers, object]>([
    ['otel_sdk', 'the SDK', { 'go.memory.gc.goal': NO_GOAL }, {}],
    [
      'obi',
      'eBPF instrumentation',
      { 'go.memory.gc.goal': NO_GOAL },
      { resource: { 'telemetry.distro.name': 'opentelemetry-ebpf-instrumentation' }, scope: { name: '' } },
    ],
    ['prometheus', 'a scrape', { go_gc_gogc_percent: PROMETHEUS_OFF, go_gc_gomemlimit_bytes: 2 ** 63 }, {}],
  ])('carries %s as the source when it comes from %s', async (source, _who, numbers, options) => {
    const { exportFrom, found } = await goFleet()
    exportFrom(numbers, options)
    expect(found()[0]!.values).toMatchObject({ signal_source: source })
  })
})

describe('GO-001 stays silent', () => {
  it.each<[string, Numbers]>([
    ['at the default of 100 percent', { 'go.config.gogc': 100, 'go.memory.gc.goal': 4_194_304 }],
    ['at 0 percent, which collects nearly all the time', { 'go.config.gogc': 0, 'go.memory.gc.goal': 65_536 }],
    ['at a high percentage', { 'go.config.gogc': 100_000, 'go.memory.gc.goal': 4e11 }],
    ['at the largest percentage there is', { 'go.config.gogc': 2 ** 31 - 1, 'go.memory.gc.goal': 1e14 }],
    ['at 100 percent with a limit', { 'go.config.gogc': 100, 'go.memory.limit': MIB_512 }],
    ['about a finite goal alone', { 'go.memory.gc.goal': 4_194_304 }],
    ['about an absent limit alone', { go_gc_gomemlimit_bytes: 2 ** 63 }],
    ['about another negative number', { 'go.config.gogc': -100 }],
    ['about a broken number', { 'go.config.gogc': Number.NaN }],
    ['about an infinite number', { go_gc_gogc_percent: Number.POSITIVE_INFINITY }],
    ['about a number that no runtime has', { go_gc_gogc_percent: 1e30 }],
    ['about half a percent', { 'go.config.gogc': 99.5 }],
    ['about a zero goal', { 'go.memory.gc.goal': 0 }],
    ['about metrics of the same words and another name', { 'jvm.config.gogc': OFF }],
  ])('%s', async (_what, numbers) => {
    const { exportEveryMinute, found } = await goFleet()
    exportEveryMinute(3, numbers)
    expect(found()).toEqual([])
  })

  it('about a series that its sender has ended', async () => {
    const { exportEveryMinute, found } = await goFleet()
    exportEveryMinute(3, { go_gc_gogc_percent: PROMETHEUS_OFF, go_gc_gomemlimit_bytes: 2 ** 63 }, { flags: 1 })
    expect(found()).toEqual([])
  })
})
