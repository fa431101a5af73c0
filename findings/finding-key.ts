import { createHash } from 'node:crypto'
import type { FindingReport, Place } from '../component/finding.ts'
import type { Rule } from './catalogue/rule.ts'

/** What of a report decides which finding it belongs to, beside its rule and cause. */
type Keyed = Pick<FindingReport, 'place' | 'ofWholeEdge'>

/** The parts of a place that are in the key of a finding of this rule and cause; the rest is null. */
export function keyPlace(rule: Rule, cause: string, { place, ofWholeEdge }: Keyed): Place {
  const { operation, instance } = rule.key
  const byOperation = typeof operation === 'boolean' ? operation : operation.includes(cause)
  return {
    service: place.service,
    instance: instance ? place.instance : null,
    operation: byOperation && !ofWholeEdge ? place.operation : null,
    edge: place.edge,
  }
}

/** 64 bits of a hash of the key, in hex: the same trouble has the same id in every run and on every machine. */
export function findingId(rule: Rule, cause: string, keyed: Keyed): string {
  return createHash('sha256')
    .update(placeKey(rule.id, cause, keyPlace(rule, cause, keyed)))
    .digest('hex')
    .slice(0, 16)
}

/** Rule, cause and a whole place as text that no other such triple has. */
export function placeKey(rule: string, cause: string, { service, instance, operation, edge }: Place): string {
  const sides = edge === null ? null : [edge.from, edge.to, edge.boundary]
  return JSON.stringify([rule, cause, service, instance, operation, sides])
}
