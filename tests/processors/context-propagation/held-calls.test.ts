import { describe, expect, it } from '@jest/globals'
import { HeldCalls } from '../../../processors/context-propagation/context-lost/held-calls.ts'

const call = (spanId: string, traceId = 'a') => ({
  key: 'GET',
  group: 0,
  startMs: 0,
  endMs: 1,
  traceId,
  spanId,
  share: 1,
})
const waiting = (held: HeldCalls) =>
  held
    .of('GET')
    .filter(({ used }) => !used)
    .map(({ sample }) => `${sample.traceId}/${sample.spanId}`)

describe('a call that has no answer in its piece of the trace', () => {
  it.each<[string, (held: HeldCalls) => void, string[]]>([
    ['waits for one', (held) => held.add(call('1'), 0), ['a/1']],
    [
      'waits no more when it comes in a later piece',
      (held) => {
        held.add(call('1'), 0)
        held.answer({ traceId: 'a', spanId: '1' }, 5000)
      },
      [],
    ],
    [
      'does not wait when it came in an earlier one',
      (held) => {
        held.answer({ traceId: 'a', spanId: '1' }, 0)
        held.add(call('1'), 5000)
      },
      [],
    ],
    [
      'is another one than that of the same number in another trace',
      (held) => {
        held.answer({ traceId: 'b', spanId: '1' }, 0)
        held.add(call('1'), 0)
        held.answer({ traceId: 'b', spanId: '1' }, 0)
      },
      ['a/1'],
    ],
    [
      'is forgotten after a minute',
      (held) => {
        held.add(call('1'), 0)
        held.add(call('2'), 30_000)
        held.forget(60_000)
      },
      ['a/2'],
    ],
  ])('%s', (_, happens, expected) => {
    const held = new HeldCalls()
    happens(held)
    expect(waiting(held)).toEqual(expected)
  })
})
