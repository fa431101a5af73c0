import { describe, expect, it } from '@jest/globals'
import { RootRhythm } from '../../../processors/context-propagation/dropped-context/root-rhythm.ts'

/** A number below 1 that looks random and is the same each time. */
function scatter(i: number): number {
  return (Math.imul(i + 1, 0x9e3779b1) >>> 0) / 4294967296
}

interface Rounds {
  readonly count?: number
  /** When a request begins, and its root after that or by itself. */
  readonly request: (i: number) => number
  readonly root: (i: number, requestMs: number) => number
}

function isOwn({ count = 40, request, root }: Rounds): boolean {
  const rhythm = new RootRhythm()
  for (let i = 0; i < count; i++) rhythm.add('orders-1', root(i, request(i)), request(i))
  return rhythm.isOwn
}

const timer = (i: number) => i * 1000 + 4 * scatter(i)
const traffic = (i: number) => i * 1000 + 900 * scatter(i)
const withIt = (i: number, requestMs: number) => requestMs + 10 + scatter(i + 500)
const byItself = (i: number) => i * 1000 + 10 + scatter(i + 500)

describe('the rhythm of roots', () => {
  it.each<[string, Rounds, boolean]>([
    ['of a timer within requests of another timer are its own', { request: timer, root: byItself }, true],
    ['of a timer are its own for as long as they are few', { count: 8, request: timer, root: withIt }, true],
    ['that come with the requests of a timer are those of the requests', { request: timer, root: withIt }, false],
    ['that come with requests at any time are those of the requests', { request: traffic, root: withIt }, false],
    ['that come with requests at any time need not be many', { count: 5, request: traffic, root: withIt }, false],
    [
      'within requests that are never late may be those of the requests',
      { request: (i) => i * 1000, root: byItself },
      false,
    ],
    [
      'that vary by more than the requests are late may be those of the requests',
      { request: timer, root: (i, requestMs) => requestMs + 60 * scatter(i + 500) },
      false,
    ],
  ])('roots %s', (_, rounds, expected) => {
    expect(isOwn(rounds)).toBe(expected)
  })

  it('is that of each instance by itself', () => {
    const rhythm = new RootRhythm()
    for (let i = 0; i < 40; i++) {
      rhythm.add('orders-1', byItself(i), timer(i))
      rhythm.add('orders-2', byItself(i) + 300, timer(i) + 290)
    }
    expect(rhythm.isOwn).toBe(true)
  })

  it('begins anew when it is forgotten', () => {
    const rhythm = new RootRhythm()
    for (let i = 0; i < 40; i++) rhythm.add('orders-1', byItself(i), timer(i))
    rhythm.forget()
    expect(rhythm.isOwn).toBe(false)
  })
})
