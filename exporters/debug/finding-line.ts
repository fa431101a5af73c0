import { findRule } from '../../findings/catalogue/catalogue.ts'
import { anyValue, type Json, listOf, objectOf, textOf } from './otlp-json.ts'

/** The event name of the log records that findings leave as. */
export const FINDING_EVENT = 'blindspot.finding'

/**
 * A finding's log record as one line: level, rule, where, why, how often, and what it means. For instance
 *
 *     ERROR CTX-002 context_lost_between_services  frontend → search  cause: caller_does_not_inject  1000 of 1000 (100 %)  confirmed: …
 *
 * Null for a log record that is no finding.
 */
export function findingLine(record: Json): string | null {
  if (textOf(record, 'eventName') !== FINDING_EVENT) return null
  const attributes = new Map(
    listOf(record, 'attributes').map((pair) => [textOf(pair, 'key'), anyValue(objectOf(pair, 'value')).text]),
  )
  const get = (key: string) => attributes.get(key) ?? ''
  const rule = get('blindspot.rule')
  const state = get('blindspot.finding.state')
  // Nothing is wrong about a finding that no longer stands.
  const level = isGone(state) ? 'info' : get('blindspot.level')
  return [
    `${level.toUpperCase()} ${rule} ${findRule(rule)?.name ?? ''}`.trimEnd(),
    whereOf(get),
    `cause: ${get('blindspot.cause')}`,
    isGone(state)
      ? ''
      : shareOf(Number(get('blindspot.finding.occurrences')), Number(get('blindspot.finding.population'))),
    `${state}: ${anyValue(objectOf(record, 'body')).text}`,
  ]
    .filter((part) => part !== '')
    .join('  ')
}

/** Whether a finding does not stand any more, and counts nothing. */
function isGone(state: string): boolean {
  return state === 'superseded' || state === 'retracted'
}

/** The edge, or the service where there is none. */
function whereOf(get: (key: string) => string): string {
  const from = get('client.service.name')
  const to = get('server.service.name')
  return from === '' && to === '' ? get('service.name') : `${from} → ${to}`
}

function shareOf(occurrences: number, population: number): string {
  if (population === 0) return String(occurrences)
  const percent = (occurrences / population) * 100
  return `${occurrences} of ${population} (${percent < 10 ? Number(percent.toPrecision(2)) : Math.round(percent)} %)`
}
