import { describe, expect, it } from '@jest/globals'
import { parseResource } from '../../otlp/resource.ts'
import { ResourceNumbers, UNKNOWN } from '../../otlp/resource-numbers.ts'

const resources = Array.from({ length: 40_000 }, () => parseResource(new Uint8Array(0)))

describe('numbers by resource', () => {
  it('are known of as many resources as a cache holds, whichever came first', () => {
    const numbers = new ResourceNumbers()
    const some = resources.slice(0, 20_000).reverse()
    some.forEach((resource, i) => {
      numbers.set(resource, i - 1)
    })
    expect(some.every((resource, i) => numbers.of(resource) === i - 1)).toBe(true)
  })

  it('are never those of another resource, however many come', () => {
    const numbers = new ResourceNumbers()
    resources.forEach((resource, i) => {
      numbers.set(resource, i)
    })
    const known = resources.map((resource) => numbers.of(resource))
    expect(known.every((number, i) => number === i || number === UNKNOWN)).toBe(true)
    expect(known.slice(-32_768)).not.toContain(UNKNOWN)
  })

  it('are forgotten when they are cleared', () => {
    const numbers = new ResourceNumbers()
    numbers.set(resources[0]!, 7)
    numbers.clear()
    expect(numbers.of(resources[0]!)).toBe(UNKNOWN)
  })
})
