/**
 * One span, one primary finding: of several rules that speak of the same span the first one here has it, and the others
 * stand in its `related`. Families are apart: a span may be an orphan and end too early at once.
 */
export const PRECEDENCE: readonly (readonly string[])[] = [
  ['CTX-007', 'CTX-004', 'CTX-005', 'CTX-002', 'CTX-003', 'CTX-001'],
  ['LIFE-005', 'LIFE-003', 'LIFE-002', 'LIFE-001'],
]

/** Clocks that differ explain impossible times: these suppress LIFE findings that they account for. */
export const SUPPRESSES_LIFE: readonly string[] = ['CLOCK-002', 'CLOCK-001']

/** Whether `rule` outranks `other` on the same span; false between families, which do not compete. */
export function outranks(rule: string, other: string): boolean {
  if (SUPPRESSES_LIFE.includes(rule)) return other.startsWith('LIFE-')
  const family = PRECEDENCE.find((order) => order.includes(rule) && order.includes(other))
  return family !== undefined && family.indexOf(rule) < family.indexOf(other)
}
