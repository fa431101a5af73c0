import { describe, expect, it } from '@jest/globals'
import { VirtualClock } from '../../component/clock.ts'
import { Overload } from '../../component/overload.ts'
import { eventLoopDelaySampler, OverloadWatch } from '../../pipeline/overload-watch.ts'
import { LogProbe } from '../support/log-probe.ts'

/** A watch over an event loop that is `delayMs` late. */
function watch() {
  const clock = new VirtualClock()
  const logger = new LogProbe()
  const overload = new Overload()
  let delayMs = 0
  const watched = new OverloadWatch(overload, () => delayMs, { clock, logger })
  watched.start()
  /** The stages that follow, one for each interval of the delay. */
  const intervals = (ms: number, count: number) =>
    Array.from({ length: count }, () => {
      delayMs = ms
      clock.advanceBy(2000)
      return overload.stage
    })
  return { intervals, logger, watched, clock, overload }
}

describe('overload', () => {
  it('sheds one stage in each interval in which the event loop is too late', () => {
    expect(watch().intervals(201, 4)).toEqual(['half', 'tenth', 'off', 'off'])
  })

  it('sheds nothing up to 200 ms', () => {
    expect(watch().intervals(200, 3)).toEqual(['full', 'full', 'full'])
  })

  it('comes back one stage after five relaxed intervals in a row', () => {
    const { intervals } = watch()
    intervals(500, 2)
    expect(intervals(99, 10)).toEqual([...Array(4).fill('tenth'), ...Array(5).fill('half'), 'full'])
  })

  it('stays where it is between relaxed and overloaded', () => {
    const { intervals } = watch()
    intervals(500, 1)
    intervals(50, 4)
    expect(intervals(150, 3)).toEqual(['half', 'half', 'half'])
    expect(intervals(50, 4)).toEqual(['half', 'half', 'half', 'half'])
  })

  it('says each change once, with the figure', () => {
    const { intervals, logger, watched } = watch()
    intervals(300, 1)
    intervals(10, 6)
    expect(logger.lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'warn: the gateway is overloaded, analysis goes to stage "half" (event loop delay p99 300 ms)',
      'info: analysis comes back to stage "full" (event loop delay p99 10 ms)',
    ])
    expect(watched.delayMs).toBe(10)
    expect(watched.stageIndex).toBe(0)
  })

  it('stops with the gateway', () => {
    const { intervals, watched } = watch()
    watched.stop()
    expect(intervals(500, 2)).toEqual(['full', 'full'])
  })

  it.each([
    ['full', 1],
    ['half', 0.5],
    ['tenth', 0.1],
    ['off', 0],
  ] as const)('at stage %s takes the same share of traces everywhere, of counted ids too', (stage, share) => {
    const overload = new Overload()
    overload.stage = stage
    const taken = Array.from({ length: 10_000 }, (_, i) => overload.analyses(i)).filter(Boolean).length
    expect(taken / 10_000).toBeCloseTo(share, 2)
  })

  it('leaves out more traces at each stage, never others', () => {
    const [half, tenth] = [new Overload(), new Overload()]
    half.stage = 'half'
    tenth.stage = 'tenth'
    for (let i = 0; i < 1000; i++) if (tenth.analyses(i)) expect(half.analyses(i)).toBe(true)
  })

  it('measures the event loop of this process', async () => {
    const sample = eventLoopDelaySampler()
    sample()
    // Node measures from one of its ticks to the next, so one has to have passed.
    await new Promise((resolve) => setTimeout(resolve, 30))
    const until = performance.now() + 120
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(sample()).toBeGreaterThan(80)
  })
})
