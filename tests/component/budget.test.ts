import { expect, it } from '@jest/globals'
import { ByteBudget } from '../../component/budget.ts'

const MIB = 1024 * 1024

it.each([
  ['as much as is in use', 100, 30, 50, 30],
  ['what the limit leaves', 100, 80, 50, 20],
  ['16 MiB at any rate', 100, 100, 50, 16],
])('keeps memory for the next requests: %s', (_, limitMib, usedMib, givenMib, keptMib) => {
  const budget = new ByteBudget(limitMib * MIB)
  budget.take(usedMib * MIB)
  const given = Array.from({ length: givenMib }, () => budget.memory.take(MIB))
  for (const one of given) budget.memory.give(one)
  expect(budget.memory.freeBytes).toBe(keptMib * MIB)
})
