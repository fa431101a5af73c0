import { totalmem } from 'node:os'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { createBudget } from '../../pipeline/budget-limit.ts'

const MIB = 1024 * 1024

afterEach(() => {
  jest.restoreAllMocks()
})

describe('the byte budget', () => {
  it('is service.limit_mib where that is set, however much memory there is', () => {
    expect(createBudget(64).limitBytes).toBe(64 * MIB)
  })

  it.each<[string, () => number, number]>([
    ['of the container, where it has a limit', () => 512 * MIB, 512 * MIB],
    ['of the host, where the container has none', () => 0, totalmem()],
    ['of the host, where the limit of the container is larger', () => 2 ** 63, totalmem()],
  ])('is 60 %% of the memory %s', (_, constrained, memory) => {
    jest.spyOn(process, 'constrainedMemory').mockImplementation(constrained)
    expect(createBudget(undefined).limitBytes).toBe(Math.floor(memory * 0.6))
  })

  it('keeps a sixteenth free for copies on the way out, which receivers do not get', () => {
    const budget = createBudget(64)
    expect(budget.reserve(60 * MIB + 1)).toBe(false)
    expect(budget.reserve(60 * MIB)).toBe(true)
    expect(budget.refusals).toBe(1)
    budget.take(4 * MIB)
    expect(budget.usedBytes).toBe(64 * MIB)
  })
})
