import { totalmem } from 'node:os'
import { ByteBudget } from '../component/budget.ts'

const DEFAULT_SHARE = 0.6
const MIB = 1024 * 1024
/** Left free by receivers for copies on the way out: a batch that is joined, a request that is spliced or compressed. */
const HEADROOM_SHARE = 1 / 16

/** The byte budget of `service.limit_mib`. */
export function createBudget(limitMib: number | undefined): ByteBudget {
  const limitBytes = budgetLimitBytes(limitMib)
  return new ByteBudget(limitBytes, Math.floor(limitBytes * HEADROOM_SHARE))
}

/** As configured, else 60 % of what the container or, without a limit of its own, the host has. */
function budgetLimitBytes(limitMib: number | undefined): number {
  if (limitMib !== undefined) return limitMib * MIB
  // Node answers 0, or a number beyond all memory, where there is no limit.
  const constrained = process.constrainedMemory()
  const memory = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  return Math.floor(memory * DEFAULT_SHARE)
}
