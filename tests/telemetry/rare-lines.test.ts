import { describe, expect, it } from '@jest/globals'
import { RareLines } from '../../telemetry/rare-lines.ts'
import { LogProbe } from '../support/log-probe.ts'

function setUp() {
  const log = new LogProbe()
  const clock = { now: 0, nowMs: () => clock.now }
  return { log, clock, lines: new RareLines(log, clock) }
}

describe('RareLines', () => {
  it('says a message once in ten seconds, and then how often it came', () => {
    const { log, clock, lines } = setUp()
    for (const atMs of [0, 1, 9999, 10_000, 10_001, 20_000, 40_000]) {
      clock.now = atMs
      lines.error('refused', { atMs })
    }
    expect(log.lines.map(({ fields }) => fields)).toEqual([
      { atMs: 0 },
      { atMs: 10_000, times: 3 },
      { atMs: 20_000, times: 2 },
      { atMs: 40_000 },
    ])
  })

  it('tells messages apart', () => {
    const { log, lines } = setUp()
    lines.warn('one', {})
    lines.error('other', {})
    lines.warn('one', {})
    expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'one'],
      ['error', 'other'],
    ])
  })

  it('keeps no more messages than a hundred: then all may be said again', () => {
    const { log, lines } = setUp()
    for (let i = 0; i <= 100; i++) lines.warn(`message ${i}`, {})
    lines.warn('message 100', {})
    lines.warn('message 0', {})
    expect(log.lines).toHaveLength(102)
  })
})
