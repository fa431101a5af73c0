import { describe, expect, it } from '@jest/globals'
import { FreeSlots } from '../../../processors/trace-window/free-slots.ts'

const take = (slots: FreeSlots, count: number) => Array.from({ length: count }, () => slots.take())

describe('free slots', () => {
  it('are given out from 0 on, and those that come back before new ones, the last one first', () => {
    const slots = new FreeSlots()
    expect(take(slots, 3)).toEqual([0, 1, 2])
    slots.give(0)
    slots.give(2)
    expect(take(slots, 4)).toEqual([2, 0, 3, 4])
    expect(slots.used).toBe(5)
  })

  it('are each given out once, however many come back', () => {
    const slots = new FreeSlots()
    for (const slot of take(slots, 1000)) if (slot % 2 === 0) slots.give(slot)
    const taken = take(slots, 600)
    expect(new Set(taken).size).toBe(600)
    expect(taken.filter((slot) => slot < 1000)).toHaveLength(500)
  })
})
