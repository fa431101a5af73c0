import { expect, it } from '@jest/globals'
import { ByteBudget } from '../../../component/budget.ts'
import { Body } from '../../../receivers/otlp/body.ts'

const KIB = 1024

it('gives memory back that it has outgrown, or that is discarded, and is charged for what it has', () => {
  const budget = new ByteBudget(1024 * KIB)
  const body = new Body(budget, 1024 * KIB, 'the limit')
  body.append(Buffer.alloc(60 * KIB), 0, 60 * KIB)
  expect(budget.usedBytes).toBe(64 * KIB)
  body.append(Buffer.alloc(60 * KIB), 0, 60 * KIB)
  expect([budget.usedBytes, budget.memory.freeBytes]).toEqual([128 * KIB, 64 * KIB])
  body.discard()
  expect([budget.usedBytes, budget.memory.freeBytes]).toEqual([0, 192 * KIB])
})
