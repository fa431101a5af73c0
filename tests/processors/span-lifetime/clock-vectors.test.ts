import { expect, it } from '@jest/globals'
import type { SpanTable } from '../../../otlp/span-table.ts'
import { factory } from '../../../processors/span-lifetime/span-lifetime.ts'
import { describeRecordings, readBesideRecordings } from '../../support/recordings.ts'
import { replaySpans } from '../../support/replay-spans.ts'
import { tracesBatch } from '../../support/scan.ts'
import { TEST_START_MS } from '../../support/test-settings.ts'

/** Times in milliseconds; `adjusted` is the start after Jaeger's adjuster. */
interface VectorSpan {
  readonly id: number
  readonly parent: number
  readonly start: number
  readonly dur: number
  readonly host: string
  readonly adjusted: number
}

interface Vector {
  readonly name: string
  readonly spans: readonly VectorSpan[]
}

/**
 * Jaeger looks at one trace and moves its spans; we look at many calls and say how far clocks differ. Each case stands
 * for a steady traffic of such calls. Where we say otherwise:
 */
const OTHERWISE: Readonly<Record<string, { readonly shiftMs: number; readonly why: string }>> = {
  'do not apply positive adjustment due to max skew': {
    shiftMs: 35,
    why: 'times stay as they are unless asked otherwise, so there is no limit beyond which an offset is not said',
  },
  'do not apply negative adjustment due to max skew': { shiftMs: -45, why: 'as above' },
  'disabled adjustment': { shiftMs: 35, why: 'as above' },
  'adjust child starting before parent even if it is longer': {
    shiftMs: 0,
    why: 'a callee that lasts longer than its call was not waited for, so its times say nothing about clocks',
  },
}

/** 30 s of calls like those of the vector. */
function traffic(vector: Vector): SpanTable[] {
  return Array.from({ length: 60 }, (_, i) => {
    const nano = (ms: number) => BigInt(TEST_START_MS + i * 500 + ms) * 1_000_000n
    return tracesBatch(
      vector.spans.map(({ id, parent, start, dur, host }) => ({
        service: `service-${host}-${id}`,
        ...(host !== '' && { resource: { 'host.ip': [host] } }),
        spans: [
          {
            traceId: 100 + i,
            spanId: id,
            parentId: parent === 0 ? null : parent,
            kind: parent === 0 ? ('client' as const) : ('server' as const),
            startNano: nano(start),
            endNano: nano(start + dur),
          },
        ],
      })),
    ).table
  })
}

describeRecordings("the cases of Jaeger's clock skew adjuster", () => {
  const { cases } = readBesideRecordings('clock-skew-vectors.json') as { cases: readonly Vector[] }

  it.each(cases.map((vector) => [vector.name, vector] as const))('%s', async (name, vector) => {
    const settings = await replaySpans(factory, traffic(vector))
    const rows = settings.findings.sections.flatMap((sections) => sections.clocks?.() ?? [])
    const ahead = (host: string) => rows.find(({ members }) => members.includes(host))
    const [own, other] = [ahead('b'), ahead('a')]
    const offsetNano = (own?.offsetNano ?? 0) - (other?.offsetNano ?? 0)
    const isSure = Math.abs(offsetNano) > 3 * Math.max(own?.uncertaintyNano ?? 0, other?.uncertaintyNano ?? 0)
    // Whichever of the two is the reference, what is said is how far apart they are.
    const shiftMs = isSure ? -offsetNano / 1e6 : 0
    for (const { host, start, adjusted } of vector.spans) {
      const expectedMs = host === 'b' ? (OTHERWISE[name]?.shiftMs ?? adjusted - start) : 0
      expect(Math.abs((host === 'b' ? shiftMs : 0) - expectedMs)).toBeLessThan(0.001)
    }
  })
})
