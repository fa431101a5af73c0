import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { CATALOGUE, findRule } from '../../findings/catalogue/catalogue.ts'

const PROCESSORS = join(import.meta.dirname, '../../processors')

/**
 * The numbers that the catalogue says decide, and the constants of the detectors that do: by rule, the beginning of what
 * the number is, the file, and the names.
 */
const CONSTANTS: readonly (readonly [rule: string, what: string, file: string, ...names: string[]])[] = [
  ['CTX-001', 'orphans from which', 'context-propagation/orphan-cause.ts', 'DECIDE_FROM'],
  ['CTX-001', 'share of orphans that counts', 'context-propagation/orphan-cause.ts', 'ALL', 'NONE'],
  ['CTX-001', 'spans of sibling', 'context-propagation/orphan-cause.ts', 'ENOUGH'],
  ['CTX-001', 'orphans that must tell', 'context-propagation/orphan-cause.ts', 'MOST'],
  ['CTX-001', 'slices of time', 'context-propagation/orphan-history.ts', 'SLICE_MS'],
  ['CTX-001', 'likelihood of bursts', 'context-propagation/orphan-history.ts', 'PROOF'],
  ['CTX-002', 'share of lost calls', 'context-propagation/lost-edge-cause.ts', 'BROKEN', 'WHOLE'],
  ['CTX-002', 'how long a call waits', 'context-propagation/context-lost-judge.ts', 'MATCH_AFTER_MS'],
  ['CTX-003', 'roots from which it is said', 'context-propagation/dropped-decision.ts', 'MIN_DROPPED'],
  ['CTX-003', 'share of the roots', 'context-propagation/dropped-decision.ts', 'INSIDE', 'STILL_INSIDE'],
  ['CTX-003', 'log-likelihood', 'context-propagation/dropped-decision.ts', 'PROOF'],
  ['CTX-003', 'roots from which they are called', 'context-propagation/dropped-decision.ts', 'MIN_HONEST'],
  ['CTX-004', 'how far apart', 'context-propagation/truncated-id.ts', 'REACH_MS'],
  ['CTX-004', 'without another suspicion', 'context-propagation/truncated-id.ts', 'DISARM_AFTER_MS'],
  ['CTX-005', 'share of the spans', 'context-propagation/wrong-parent-judge.ts', 'RIGHTFUL'],
  ['CTX-005', 'spans below one', 'context-propagation/ended-parents.ts', 'REUSED_CHILDREN', 'REUSED_OVER_MS'],
  ['CTX-005', 'spans that begin after', 'context-propagation/dropped-decision.ts', 'INSIDE', 'PROOF'],
  ['CTX-006', 'pairs', 'context-propagation/double-instrumentation.ts', 'DECIDE_FROM'],
  [
    'CTX-006',
    'share of the calls that must have a twin: entries',
    'context-propagation/double-instrumentation.ts',
    'entries',
  ],
  [
    'CTX-006',
    'share of the calls that must have a twin: exits',
    'context-propagation/double-instrumentation.ts',
    'exits',
  ],
  ['CTX-006', 'how long the inner', 'context-propagation/double-instrumentation.ts', 'NEARLY_AS_LONG', 'HANDLER_NANO'],
  ['GW-001', 'missing parents', 'context-propagation/partial-view-decision.ts', 'DECIDE_FROM', 'MISSING_FROM'],
  ['GW-001', 'places', 'context-propagation/partial-view-decision.ts', 'DAMAGED_PLACES'],
  ['GW-001', 'orphans within', 'context-propagation/partial-view-decision.ts', 'INNER_ORPHANS'],
  ['GW-001', 'how long it must', 'context-propagation/partial-view-judge.ts', 'CONFIRM_AFTER_MS'],
  ['LIFE-001', 'between processes', 'span-lifetime/lifetime-kinds.ts', 'minOccurrences', 'minShare'],
  ['LIFE-002', 'spans of one operation', 'span-lifetime/late-starts.ts', 'REUSED', 'REUSED_OVER_NANO'],
  ['LIFE-003', 'early spans', 'span-lifetime/early-operations.ts', 'MIN_EARLY', 'PERSISTENT'],
  ['LIFE-003', 'effective against', 'span-lifetime/lifetime-observer.ts', 'MIN_RATIO', 'MIN_MISSING_NANO'],
  ['LIFE-003', 'for ended_before_response', 'span-lifetime/lifetime-observer.ts', 'MIN_END_GAP_RATIO'],
  ['CLOCK-001', 'times the uncertainty', 'span-lifetime/clock-judge.ts', 'SIGNIFICANCE'],
  ['CLOCK-001', 'calls from which', 'span-lifetime/clocks/offset-fit.ts', 'MIN_CALLS'],
  ['CLOCK-001', 'seconds beyond', 'span-lifetime/clock-judge.ts', 'proven', 'symmetric'],
  ['CLOCK-001', 'share of the last minute', 'span-lifetime/clock-judge.ts', 'MIN_SHARE', 'RECENT'],
  ['CLOCK-001', 'share of these seconds', 'span-lifetime/clock-judge.ts', 'MIN_SHARE'],
  ['CLOCK-002', 'a jump', 'span-lifetime/clocks/find-steps.ts', 'MIN_STEP_NANO'],
  ['GO-001', 'GOGC', 'go-runtime/go-signals.ts', 'BEYOND_ANY_PERCENT'],
  ['GO-001', 'points without', 'go-runtime/gc-disabled.ts', 'DECIDE_WITHOUT_LIMIT_FROM'],
]

/** Numbers that follow from how a rule works, and are no constant anywhere. */
const WITHOUT_CONSTANT = [
  'CTX-001 s',
  'CTX-007 spans',
  'GW-001 hidden',
  'LIFE-004 calls',
  'LIFE-005 spans',
  'LIFE-006 calls',
]

describe('a number that decides and cannot be set', () => {
  it.each(CONSTANTS)('of %s, "%s…", is in the catalogue as it is in %s', (rule, what, file, ...names) => {
    const value = findRule(rule)?.fixed.find((number) => number.what.startsWith(what))?.value ?? 'not in the catalogue'
    const source = readFileSync(join(PROCESSORS, file), 'utf8')
    const missing = names.filter((name) => !mentions(value, constantIn(source, name)))
    expect([value, missing]).toEqual([value, []])
  })

  it('is held against its detector', () => {
    const held = [...CONSTANTS.map(([rule, what]) => `${rule} ${what}`), ...WITHOUT_CONSTANT]
    const numbers = CATALOGUE.flatMap(({ id, fixed }) => fixed.map(({ what }) => `${id} ${what}`))
    expect(numbers.filter((number) => !held.some((begin) => number.startsWith(begin)))).toEqual([])
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
