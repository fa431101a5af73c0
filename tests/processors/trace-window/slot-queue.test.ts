import { describe, expect, it } from '@jest/globals'
import { SlotQueue } from '../../../processors/trace-window/slot-queue.ts'

const NONE = -1
const STRIDE = 2
const COLUMN = 1
/** More than the ring has room for at first. */
const MANY = 5000

function queueOf(slots: number): SlotQueue {
  return new SlotQueue({ words: new Int32Array(slots * STRIDE).fill(NONE) }, STRIDE, COLUMN)
}

function takenOut(queue: SlotQueue): number[] {
  const slots: number[] = []
  for (let slot = queue.first; slot !== NONE; slot = queue.first) {
    slots.push(slot)
    queue.remove(slot)
  }
  return slots
}

describe('SlotQueue', () => {
  const cases: [name: string, act: (queue: SlotQueue) => void, left: number[]][] = [
    ['nothing', () => {}, []],
    [
      'slots in the order in which they joined',
      (queue) => {
        for (const slot of [3, 1, 2]) queue.append(slot)
      },
      [3, 1, 2],
    ],
    [
      'all but those that left, wherever they stood',
      (queue) => {
        for (const slot of [0, 1, 2, 3, 4]) queue.append(slot)
        for (const slot of [0, 2, 4]) queue.remove(slot)
      },
      [1, 3],
    ],
    [
      'at the end a slot that left and joined again',
      (queue) => {
        for (const slot of [0, 1]) queue.append(slot)
        queue.remove(0)
        queue.append(0)
      },
      [1, 0],
    ],
    [
      'the others when one leaves that is not there',
      (queue) => {
        queue.append(0)
        queue.remove(1)
      },
      [0],
    ],
  ]
  it.each(cases)('has %s', (_, act, left) => {
    const queue = queueOf(5)
    act(queue)
    const peeked = new Int32Array(5)
    expect([...peeked.subarray(0, queue.peek(peeked))]).toEqual(left)
    expect(takenOut(queue)).toEqual(left)
  })

  it('grows with the slots that are in it', () => {
    const queue = queueOf(MANY)
    const slots = Array.from({ length: MANY }, (_, slot) => slot)
    for (const slot of slots) queue.append(slot)
    expect(takenOut(queue)).toEqual(slots)
  })

  it('does not grow with those that come and go behind one that stays', () => {
    const queue = queueOf(2)
    const { byteLength } = queue
    queue.append(0)
    for (let i = 0; i < MANY; i++) {
      queue.append(1)
      queue.remove(1)
    }
    queue.append(1)
    expect(queue.byteLength).toBe(byteLength)
    expect(takenOut(queue)).toEqual([0, 1])
  })

  it('peeks at as many as are asked for', () => {
    const queue = queueOf(3)
    for (const slot of [2, 0, 1]) queue.append(slot)
    const two = new Int32Array(2)
    expect(queue.peek(two)).toBe(2)
    expect([...two]).toEqual([2, 0])
  })
})
