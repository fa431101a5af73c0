import { totalmem } from 'node:os'

const DEFAULT_SHARE = 0.6
const MIB = 1024 * 1024

/** The byte budget: as configured, else 60 % of what the container or, without a limit of its own, the host has. */
export function budgetLimitBytes(limitMib: number | undefined): number {
  if (limitMib !== undefined) return limitMib * MIB
  // Node answers 0, or a number beyond all memory, where there is no limit.
  const constrained = process.constrainedMemory()
  const memory = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  return Math.floor(memory * DEFAULT_SHARE)
}
