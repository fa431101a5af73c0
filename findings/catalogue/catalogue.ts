import type { Rule } from './rule.ts'
import { rule as ctx001 } from './rules/ctx-001.ts'
import { rule as ctx002 } from './rules/ctx-002.ts'
import { rule as go001 } from './rules/go-001.ts'
import { rule as life001 } from './rules/life-001.ts'
import { rule as life005 } from './rules/life-005.ts'

/** Every rule there is, in the order in which pages and lists show them. A new rule is one file and one line here. */
export const CATALOGUE: readonly Rule[] = [ctx001, ctx002, life001, life005, go001]

const BY_ID: ReadonlyMap<string, Rule> = new Map(CATALOGUE.map((rule) => [rule.id, rule]))

/** The rule of an id; undefined for an id that the catalogue does not have. */
export function findRule(id: string): Rule | undefined {
  return BY_ID.get(id)
}

export function hasCause(rule: Rule, cause: string): boolean {
  return rule.causes.some((known) => known.cause === cause)
}
