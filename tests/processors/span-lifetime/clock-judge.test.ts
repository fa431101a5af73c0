import { describe, expect, it } from '@jest/globals'
import { ClockJudge } from '../../../processors/span-lifetime/clock-judge.ts'
import { SampleBucket } from '../../../processors/span-lifetime/clocks/sample-bucket.ts'
import { configSchema } from '../../../processors/span-lifetime/config.ts'

const START_S = 1_800_000_000
const MS = 1e6

interface Node {
  /** How far its clock is ahead of the hub's in ms, at a second. */
  readonly aheadMs: (second: number) => number
  /** How long its calls wait on the way there, in ms. */
  readonly queueMs?: (second: number) => number
  /** When calls of all seconds before come that did not wait. */
  readonly lateS?: number
}

const UNTIL_S = 80

/** Ten calls of a second, each a millisecond on its way. */
function callsOf(second: number, aheadMs: Node['aheadMs'], queueMs: number): SampleBucket {
  const bucket = new SampleBucket(START_S + second)
  for (let i = 0; i < 10; i++) {
    const at = second + (i + 0.5) / 10
    const way = 1 + ((i * 7 + second * 3) % 10) / 50
    bucket.add(START_S + at, (aheadMs(at) - way) * MS, (aheadMs(at) + way + queueMs) * MS)
  }
  return bucket
}

/** What is said, each for the first time, of nodes that a hub calls. */
function saidOf(nodes: Readonly<Record<string, Node>>): string[] {
  const judge = new ClockJudge(configSchema.parse({}), 10)
  const sources = ['hub', ...Object.keys(nodes)].map((name, i) => ({
    source: { key: name, machine: name, host: null, ip: null, instance: null },
    spans: 1000 - i,
  }))
  const said: string[] = []
  for (let second = 0; second < UNTIL_S + 40; second++) {
    const pairs = Object.entries(nodes).map(([name, { aheadMs, queueMs = () => 0, lateS }]) => {
      const buckets = second < UNTIL_S ? [callsOf(second, aheadMs, queueMs(second))] : []
      if (second === lateS) for (let before = 0; before < second; before++) buckets.push(callsOf(before, aheadMs, 0))
      return { first: 'hub', second: name, buckets }
    })
    const summaries = [{ sources, pairs, refusedPairs: 0 }]
    for (const { state, rule, cause, place } of judge.judge(summaries, (START_S + second) * 1000))
      said.push(`${state} ${rule} ${cause} ${place.service}`)
  }
  return [...new Set(said)]
}

describe('ClockJudge', () => {
  it.each<[string, Readonly<Record<string, Node>>, string[]]>([
    ['says nothing of clocks that agree', { a: { aheadMs: () => 0 } }, []],
    ['says an offset', { a: { aheadMs: () => 4 } }, ['confirmed CLOCK-001 steady a']],
    [
      'says none that is at the tolerance, now a little more and now a little less',
      { a: { aheadMs: (s) => 1 + 0.03 * Math.sin(s / 3) } },
      [],
    ],
    [
      'says a drift from behind to ahead that is never far from zero',
      { a: { aheadMs: (s) => -1.1 + (s * 2.2) / UNTIL_S } },
      ['provisional CLOCK-001 drifting a'],
    ],
    [
      'takes a step for certain when nothing else was found of it for some seconds',
      { a: { aheadMs: (s) => (s > 40 ? 30 : 0) } },
      ['provisional CLOCK-002 step a', 'confirmed CLOCK-002 step a', 'confirmed CLOCK-001 steady a'],
    ],
    [
      'lets an offset stand that is over',
      { a: { aheadMs: (s) => (s < 40 ? 30 : 0) } },
      ['confirmed CLOCK-001 steady a', 'provisional CLOCK-002 step a', 'confirmed CLOCK-002 step a'],
    ],
    [
      'takes back an offset that calls which come late do not show',
      { a: { aheadMs: () => 0, queueMs: (s) => (s < 40 ? 8 : 0), lateS: 45 } },
      ['provisional CLOCK-001 steady a', 'retracted CLOCK-001 steady a'],
    ],
  ])('%s', (_, nodes, expected) => {
    expect(saidOf(nodes)).toEqual(expected)
  })
})
