import { describe, expect, it } from '@jest/globals'
import { CATALOGUE } from '../../findings/catalogue/catalogue.ts'
import { STILL_TO_COME } from './owed.ts'

describe('the rules that the fleet waits for', () => {
  it('are none that the gateway has: their lines in tests/fleet/owed.ts go, and their findings are owed', () => {
    const detected = CATALOGUE.filter((rule) => rule.detected).map((rule) => rule.id)
    expect(STILL_TO_COME.filter((rule) => detected.includes(rule))).toEqual([])
  })
})
