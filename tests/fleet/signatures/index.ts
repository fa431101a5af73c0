import type { SignatureOf } from '../view.ts'
import { around } from './around.ts'
import { lifetime } from './lifetime.ts'
import { lookAlike } from './look-alike.ts'
import { propagation } from './propagation.ts'
import { runtime } from './runtime.ts'

/** What each fault must leave in the raw telemetry, before any rule looks at it. */
export const SIGNATURES: Readonly<Record<string, SignatureOf>> = {
  ...propagation,
  ...lifetime,
  ...runtime,
  ...around,
  ...lookAlike,
}
