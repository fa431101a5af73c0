import { describe, expect, it } from '@jest/globals'
import { sureDespite, sureFrom } from '../../../processors/context-propagation/how-sure.ts'

describe('how sure a statement is', () => {
  it.each([
    [0, 0, 0.5],
    [1, 1, 0.75],
    [5, 5, 0.92],
    [10, 10, 0.95],
    [1000, 1000, 0.99],
    [18, 20, 0.88],
    [4, 5, 0.75],
  ])('that %i of %i cases bear out is %d', (hits, of, sure) => {
    expect(sureFrom(hits, of)).toBe(sure)
  })

  it.each([
    [0, 0.99],
    [0.05, 0.95],
    [0.25, 0.8],
    [1, 0.5],
  ])('at odds of %d against it is %d', (odds, sure) => {
    expect(sureDespite(odds)).toBe(sure)
  })
})
