import { describe, expect, it } from '@jest/globals'
import { HeldCalls, waitingBefore } from '../../../processors/context-propagation/context-lost/held-calls.ts'
import type { Loss } from '../../../processors/context-propagation/context-lost/lost-operation.ts'

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
    .filter(({ done }) => !done)
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

  it('is found backwards from a time, past those that are done, as many as are asked for', () => {
    const held = new HeldCalls()
    for (let ms = 0; ms < 100; ms++) held.add({ ...call(`${ms}`), startMs: ms }, ms)
    for (let ms = 0; ms < 100; ms += 3) held.answer({ traceId: 'a', spanId: `${ms}` }, 100)
    const found = () => [...waitingBefore(held.of('GET'), 50, 4)].map(({ sample }) => sample.startMs)
    expect(found()).toEqual([50, 49, 47, 46])
    for (let ms = 1; ms < 50; ms += 3) held.answer({ traceId: 'a', spanId: `${ms}` }, 100)
    expect(found()).toEqual([50, 47, 44, 41])
  })

  it('tells what was lost by it when its answer comes after a root was taken for that, once', () => {
    const held = new HeldCalls()
    held.add(call('1'), 0)
    const loss = { weight: 1, contained: 1, atMs: 0 } as Loss
    held.lose(held.of('GET')[0]!, loss)
    expect(waiting(held)).toEqual([])
    expect(held.answer({ traceId: 'b', spanId: '1' }, 5000)).toBeNull()
    expect(held.answer({ traceId: 'a', spanId: '1' }, 5000)).toBe(loss)
    expect(held.answer({ traceId: 'a', spanId: '1' }, 5000)).toBeNull()
  })

  it('takes no room when it is done', () => {
    const held = new HeldCalls()
    for (let i = 0; i < 1000; i++) held.add({ ...call(`${i}`), startMs: i }, i)
    for (let i = 0; i < 900; i++) held.answer({ traceId: 'a', spanId: `${i}` }, 1000)
    expect(held.of('GET').length).toBeLessThan(250)
    held.forget(70_000)
    expect(held.of('GET')).toEqual([])
  })
})
