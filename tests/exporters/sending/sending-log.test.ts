import { describe, expect, it } from '@jest/globals'
import { VirtualClock } from '../../../component/clock.ts'
import { GatewayError } from '../../../component/errors.ts'
import type { OutgoingRequest } from '../../../exporters/sending/outgoing.ts'
import { SendingLog } from '../../../exporters/sending/sending-log.ts'
import { LogProbe } from '../../support/log-probe.ts'

const REFUSED = new GatewayError('backend_unavailable', 'connection refused', { retryable: true })
const REQUEST = { signal: 'traces', items: 10 } as OutgoingRequest
const FAILS = 'Sending fails; trying again until it works or max_elapsed_time has passed'

function setUp() {
  const clock = new VirtualClock(0)
  const probe = new LogProbe()
  const log = new SendingLog(probe, clock)
  return {
    clock,
    fail: () => log.willRetry(REFUSED, 5000),
    work: () => log.sent(REQUEST, null),
    said: () => probe.lines.map(({ message }) => message),
  }
}

describe('what is said of a destination', () => {
  it('is one line when it begins to fail, however often it is tried, and one when it works', () => {
    const { clock, fail, work, said } = setUp()
    for (let i = 0; i < 60; i++) {
      fail()
      clock.advanceBy(1000)
    }
    work()
    work()
    expect(said()).toEqual([FAILS, 'Sending works again'])
  })

  it('is no more than that in ten seconds where requests fail and arrive by turns', () => {
    const { clock, fail, work, said } = setUp()
    for (let i = 0; i < 600; i++) {
      fail()
      work()
      clock.advanceBy(100)
    }
    expect(said()).toEqual(Array.from({ length: 6 }, () => [FAILS, 'Sending works again']).flat())
  })

  it('is that it fails, ten seconds later, where a failure so close to the last one stays', () => {
    const { clock, fail, work, said } = setUp()
    fail()
    work()
    for (let i = 0; i < 12; i++) {
      fail()
      clock.advanceBy(1000)
    }
    expect(said()).toEqual([FAILS, 'Sending works again', FAILS])
  })
})
