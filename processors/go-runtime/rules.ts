import { gcDisabled } from './gc-disabled.ts'
import type { RuntimeRule } from './runtime-rule.ts'

/** The rules on Go processes, in the order of the catalogue. */
export const RULES: readonly RuntimeRule[] = [gcDisabled]
