import { cutCallee, cutCaller, cutEdge, formatMismatch } from './cut-header.ts'
import { cutTraceId } from './cut-trace-id.ts'
import { doubleInstrumentation } from './double-instrumentation.ts'
import { callWithoutContext, detachedGoroutine } from './dropped-context.ts'
import { earlyEnd } from './early-end.ts'
import { lateExport, linkedRoots, sharedIds, silentCallee, threeGateways, twoGateways } from './look-alikes.ts'
import { burstLoss, dropSpans, neverEnded, samplingMismatch } from './lost-spans.ts'
import { lostTracestate } from './lost-tracestate.ts'
import type { Recipe } from './recipe.ts'
import { reusedId, sentTwice } from './repeated-id.ts'
import { silentProxy } from './silent-proxy.ts'
import { strippedLinks } from './stripped-links.ts'
import { driftingClock, shiftedClock, steppedClock } from './wrong-clock.ts'
import { reusedContext, siblingParent } from './wrong-parent.ts'

/** Every way to break a recording, in the order of the page. */
export const BREAKS: readonly Recipe[] = [
  dropSpans,
  samplingMismatch,
  silentProxy,
  neverEnded,
  burstLoss,
  cutEdge,
  cutCaller,
  cutCallee,
  formatMismatch,
  strippedLinks,
  callWithoutContext,
  detachedGoroutine,
  cutTraceId,
  siblingParent,
  reusedContext,
  doubleInstrumentation,
  sentTwice,
  reusedId,
  lostTracestate,
  earlyEnd,
  shiftedClock,
  driftingClock,
  steppedClock,
]

/** The view of one of several gateways: broken is the whole recording, so never together with others. */
export const VIEWS: readonly Recipe[] = [twoGateways, threeGateways]

/** What looks broken and is not. */
export const LOOK_ALIKES: readonly Recipe[] = [lateExport, sharedIds, linkedRoots, silentCallee]
