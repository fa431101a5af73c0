import { describe, expect, it } from '@jest/globals'
import {
  FLEET,
  fleetSpans,
  type SentSpan,
  standingOf,
  type Watched,
  watchFleet,
} from '../../support/fleet-of-services.ts'
import { TEST_START_MS } from '../../support/test-settings.ts'

const spans = fleetSpans(FLEET)
const HALF_TIME_MS = TEST_START_MS + 50_000

/** Nothing stands at the end, and nothing was ever sure: what was said on the way was said as provisional. */
function expectNothing(watched: Watched): void {
  expect(standingOf(watched)).toEqual([])
  const sure = watched.reports.filter(({ state }) => state === 'confirmed')
  expect(sure.map(({ rule, cause, place }) => `${rule} ${cause} ${place.service}`)).toEqual([])
}

/** How long after a span's export an agent sends it on, which does so every ten seconds. */
function untilNextTen({ endMs }: SentSpan): number {
  const exportedMs = Math.ceil(endMs / 1000) * 1000
  return Math.ceil(exportedMs / 10_000) * 10_000 - exportedMs
}

describe('the CTX rules find nothing', () => {
  it.each(['edge', 'cart', 'checkout', 'shipping', 'inventory'])('when %s exports 8 s late', async (late) => {
    expectNothing(await watchFleet(spans, { delayMs: ({ service }) => (service === late ? 8000 : 0) }))
  })

  it('when every service exports when it likes, within 8 s', async () => {
    const delays = new Map(FLEET.services.map(({ name }, i) => [name, (i * 2900) % 8000]))
    expectNothing(await watchFleet(spans, { delayMs: ({ service }) => delays.get(service)! }))
  })

  it.each<[string, readonly string[]]>([
    ['one service', ['checkout']],
    ['half of the services', ['checkout', 'payment', 'inventory', 'search']],
    ['the other half', ['edge', 'cart', 'shipping', 'rates']],
  ])('when an agent sends every 10 s what %s export', async (_, behind) => {
    expectNothing(
      await watchFleet(spans, { delayMs: (sent) => (behind.includes(sent.service) ? untilNextTen(sent) : 0) }),
    )
  })

  it('when instances end and others begin, one after the other', async () => {
    const order = [...new Set(spans.map(({ instance }) => instance))].sort()
    const restartMs = (instance: string) => HALF_TIME_MS + order.indexOf(instance) * 1000
    const restarted = spans.map((sent) =>
      sent.endMs < restartMs(sent.instance) ? sent : { ...sent, instance: `${sent.instance}-new` },
    )
    // The last export of an instance leaves when it ends; the first of the next comes after its start.
    expectNothing(await watchFleet(restarted, { delayMs: ({ instance }) => (instance.endsWith('-new') ? 3000 : 0) }))
  })
})

describe('what a late span disproves is taken back', () => {
  it('but parents that come 8 s late disprove nothing, since nothing has been said', async () => {
    const { reports } = await watchFleet(spans, { delayMs: ({ service }) => (service === 'checkout' ? 8000 : 0) })
    expect(reports.filter(({ rule }) => rule === 'CTX-001')).toEqual([])
  })

  it('of orphans, at once', async () => {
    const { reports } = await watchFleet(spans, { delayMs: ({ service }) => (service === 'checkout' ? 30_000 : 0) })
    const orphans = reports.filter(({ rule }) => rule === 'CTX-001')
    expect(orphans.length).toBeGreaterThan(0)
    expect(orphans.at(-1)).toMatchObject({ state: 'retracted', occurrences: 0 })
  })
})
