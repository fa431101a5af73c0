import type { Rule } from './rule.ts'
import { rule as clock001 } from './rules/clock-001.ts'
import { rule as clock002 } from './rules/clock-002.ts'
import { rule as ctx001 } from './rules/ctx-001.ts'
import { rule as ctx002 } from './rules/ctx-002.ts'
import { rule as ctx003 } from './rules/ctx-003.ts'
import { rule as ctx004 } from './rules/ctx-004.ts'
import { rule as ctx005 } from './rules/ctx-005.ts'
import { rule as ctx006 } from './rules/ctx-006.ts'
import { rule as ctx007 } from './rules/ctx-007.ts'
import { rule as ctx008 } from './rules/ctx-008.ts'
import { rule as go001 } from './rules/go-001.ts'
import { rule as gw001 } from './rules/gw-001.ts'
import { rule as life001 } from './rules/life-001.ts'
import { rule as life002 } from './rules/life-002.ts'
import { rule as life003 } from './rules/life-003.ts'
import { rule as life004 } from './rules/life-004.ts'
import { rule as life005 } from './rules/life-005.ts'
import { rule as life006 } from './rules/life-006.ts'

/** Every rule there is, in the order in which pages and lists show them. A new rule is one file and one line here. */
export const CATALOGUE: readonly Rule[] = [
  ctx001,
  ctx002,
  ctx003,
  ctx004,
  ctx005,
  ctx006,
  ctx007,
  ctx008,
  gw001,
  life001,
  life002,
  life003,
  life004,
  life005,
  life006,
  clock001,
  clock002,
  go001,
]

const BY_ID: ReadonlyMap<string, Rule> = new Map(CATALOGUE.map((rule) => [rule.id, rule]))

/** The rule of an id; undefined for an id that the catalogue does not have. */
export function findRule(id: string): Rule | undefined {
  return BY_ID.get(id)
}

export function hasCause(rule: Rule, cause: string): boolean {
  return rule.causes.some((known) => known.cause === cause)
}
