import { describe, expect, it } from '@jest/globals'
import { attributeStep, type StepWitness } from '../../../../processors/span-lifetime/clocks/attribute-steps.ts'

/** `a+b`: the offset of b to a jumped up, `a-b`: down, `a=b`: it stayed. */
function witnesses(text: string): StepWitness[] {
  return text.split(' ').map((word) => {
    const [first, sign, second] = word.split(/([+=-])/) as [string, string, string]
    return { first, second, direction: sign === '=' ? 0 : sign === '+' ? 1 : -1 }
  })
}

const SPANS: Readonly<Record<string, number>> = { hub: 1000, a: 300, b: 200, c: 100, d: 50 }

describe('attributeStep', () => {
  it.each<[string, string, Readonly<Record<string, number>>]>([
    ['of two clocks the one with fewer spans was set', 'a+b', { b: 1 }],
    ['and in its direction, whichever is first', 'b+a', { b: -1 }],
    ['a clock that jumped against all others was set, though it has most spans', 'hub+a hub+b hub+c', { hub: -1 }],
    ['others that stayed together were not set', 'hub+a a=b b=c', { hub: -1 }],
    ['what is behind a clock that was set moved with nothing', 'a=hub hub-b b+c', { b: -1 }],
    ['clocks of one machine are set together', 'a+c a+d b+c b+d c=d a=b hub=a', { c: 1, d: 1 }],
    ['a jump between clocks that stayed together is a load on the way', 'a+b a=c c=b', {}],
    ['two clocks that nothing connects were each set', 'a+b c+d', { b: 1, d: 1 }],
  ])('%s', (_, seen, expected) => {
    expect(Object.fromEntries(attributeStep(witnesses(seen), (domain) => SPANS[domain] ?? 0))).toEqual(expected)
  })
})
