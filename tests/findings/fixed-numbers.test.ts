import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { CATALOGUE } from '../../findings/catalogue/catalogue.ts'

const PROCESSORS = join(import.meta.dirname, '../../processors')
const NUMBERS = CATALOGUE.flatMap(({ id, fixed }) =>
  fixed.flatMap(({ what, value, constants }) => constants.map((constant) => [id, what, constant, value] as const)),
)

describe('a number that decides and cannot be set', () => {
  it.each(NUMBERS)('of %s, "%s", says what %s is', (_id, _what, constant, value) => {
    const [file, name] = constant.split(' ') as [string, string]
    const number = constantIn(readFileSync(join(PROCESSORS, file), 'utf8'), name)
    expect([value, number, mentions(value, number)]).toEqual([value, number, true])
  })
})

/** The value of `NAME = 1 / 2`, or of a key of that name. */
function constantIn(source: string, name: string): number {
  const written = new RegExp(`\\b${name}(?:: [a-z]+)?\\s*[=:]\\s*([\\d][\\d._e]*)(?:\\s*(/|\\*\\*)\\s*(\\d+))?`).exec(
    source,
  )
  if (written === null) return Number.NaN
  const [, first, operator, second] = written
  const number = Number(first!.replaceAll('_', ''))
  if (operator === '/') return number / Number(second)
  return operator === '**' ? number ** Number(second) : number
}

/** Whether a text has a number: as it is, or milliseconds as seconds, nanoseconds as milliseconds or seconds. */
function mentions(text: string, number: number): boolean {
  const said = Array.from(
    text.matchAll(/(\d+(?:\.\d+)?)(?:\^(\d+))?/g),
    ([, base, power]) => Number(base) ** Number(power ?? 1),
  )
  return [1, 1e3, 1e6, 1e9].some((unit) => said.includes(number / unit))
}
