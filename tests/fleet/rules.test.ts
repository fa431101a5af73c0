import { describe, expect, it } from '@jest/globals'
import { CATALOGUE } from '../../findings/catalogue/catalogue.ts'
import { STILL_TO_COME } from './owed.ts'

describe('the rules that the fleet waits for', () => {
  it('are none of those that the gateway has: such a rule owes its findings', () => {
    const detected = CATALOGUE.filter((rule) => rule.detected).map((rule) => rule.id)
    expect(STILL_TO_COME.filter((rule) => detected.includes(rule))).toEqual([])
  })
})
