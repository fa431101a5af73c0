import { ACCEPTED } from '../../component/consumer.ts'
import type { FindingReport } from '../../component/finding.ts'
import { attributeKey, stringArrayAttribute, stringAttribute } from '../../otlp/attributes.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { configSchema } from '../../processors/context-propagation/config.ts'
import { factory } from '../../processors/context-propagation/context-propagation.ts'
import { configSchema as windowConfig } from '../../processors/trace-window/config.ts'
import { factory as traceWindow } from '../../processors/trace-window/trace-window.ts'
import type { ServiceSpans, SpanSpec } from './otlp-builder.ts'
import { standing } from './replay-spans.ts'
import { scan, tracesBatch } from './scan.ts'
import { type TestSettings, testProcessorSettings } from './test-settings.ts'

export interface Mark {
  /** Service and span name. */
  readonly span: string
  readonly rules: readonly string[]
  readonly causes: readonly string[]
  readonly expectedParent: string | null
}

export interface Propagation {
  readonly settings: TestSettings
  /** What left the detector with something said on it. */
  readonly marks: readonly Mark[]
  newId(): number
  /** A span of `lengthMs` that starts `afterMs` from now. */
  span(fields: SpanSpec & { readonly traceId: string | number }, afterMs: number, lengthMs: number): Span
  send(...services: readonly ServiceSpans[]): void
  advance(ms: number): void
  /** Lets every grace pass and says what stands at the end. */
  findings(): readonly FindingReport[]
}

export type Span = SpanSpec & { readonly traceId: string | number; readonly spanId: number }

/** A window and the detector behind it, with default settings and a virtual clock. */
export async function propagation(): Promise<Propagation> {
  const settings = testProcessorSettings('context_propagation', 'traces', { recorded: true })
  const marks: Mark[] = []
  const detector = factory.create.traces!(settings, configSchema.parse({}), {
    consume(batch) {
      marks.push(...marksOf(batch.encode()))
      return ACCEPTED
    },
  })
  const window = traceWindow.create.traces!(settings, windowConfig.parse({}), detector)
  await detector.start()
  await window.start()
  const refs = new RefCache()
  let id = 0
  const { clock } = settings
  return {
    settings,
    marks,
    newId: () => ++id,
    span(fields, afterMs, lengthMs) {
      const startNano = BigInt(Math.round((clock.nowMs() + afterMs) * 1000)) * 1000n
      const endNano = startNano + BigInt(Math.round(lengthMs * 1e6))
      return { parentId: null, startNano, endNano, ...fields, spanId: ++id }
    },
    send(...services) {
      const batch = tracesBatch(services, refs)
      window.consume(batch)
      batch.release()
    },
    advance: (ms) => clock.advanceBy(ms),
    findings() {
      clock.advanceBy(120_000)
      return standing(settings.findings.reports)
    },
  }
}

/** What the spans of a request say was found about them. */
export function marksOf(request: Uint8Array): Mark[] {
  const after = scan(request)
  const marks: Mark[] = []
  for (let row = 0; row < after.count; row++) {
    const rules = stringArrayAttribute(after, row, attributeKey('blindspot.rules'))
    const causes = stringArrayAttribute(after, row, attributeKey('blindspot.causes'))
    if (!rules || !causes) continue
    marks.push({
      span: `${after.resourceOf(row).serviceName} ${after.name(row)}`,
      rules,
      causes,
      expectedParent: stringAttribute(after, row, attributeKey('blindspot.expected_parent')),
    })
  }
  return marks
}
