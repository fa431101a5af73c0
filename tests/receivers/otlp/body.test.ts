import { expect, it } from '@jest/globals'
import { ByteBudget } from '../../../component/budget.ts'
import { Body } from '../../../receivers/otlp/body.ts'

const KIB = 1024

it('gives memory back that it has outgrown, or that is discarded, and is charged for what it has', () => {
  const budget = new ByteBudget(1024 * KIB)
  const body = new Body(budget, 1024 * KIB, 'the limit')
  body.append(Buffer.alloc(32 * KIB), 0, 32 * KIB)
  expect(budget.usedBytes).toBe(64 * KIB)
  body.append(Buffer.alloc(33 * KIB), 0, 33 * KIB)
  expect([budget.usedBytes, budget.memory.freeBytes]).toEqual([160 * KIB, 64 * KIB])
  body.discard()
  expect([budget.usedBytes, budget.memory.freeBytes]).toEqual([0, 224 * KIB])
})

it.each<[announcedKib: number, comeKib: number[], heldKib: number[]]>([
  [1024, [0], [0]],
  [1024, [1, 15, 1], [16, 16, 320]],
  [200, [16, 184], [224, 224]],
  [4096, [64, 960, 1], [1024, 1024, 2560]],
  [65_536, [16, 16], [256, 256]],
])('of %d KiB announced, %j KiB have come: %j KiB are held', (announcedKib, comeKib, heldKib) => {
  const budget = new ByteBudget(256 * 1024 * KIB)
  const body = new Body(budget, 64 * 1024 * KIB, 'the limit')
  expect(body.expect(announcedKib * KIB)).toBeNull()
  const held = comeKib.map((kib) => {
    expect(body.append(Buffer.alloc(kib * KIB), 0, kib * KIB)).toBeNull()
    return budget.usedBytes / KIB
  })
  expect(held).toEqual(heldKib)
})

it('is refused when the budget is spent, at the size that does not fit', () => {
  const budget = new ByteBudget(1000)
  const body = new Body(budget, 1024 * KIB, 'the limit')
  expect(body.expect(1001)).toBeNull()
  expect(body.append(Buffer.alloc(1001), 0, 1001)).toMatchObject({ code: 'memory_exhausted', retryable: true })
  expect(budget.usedBytes).toBe(0)
})
