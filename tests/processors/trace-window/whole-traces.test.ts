import { describe, expect, it } from '@jest/globals'
import { BufferMemory } from '../../../otlp/buffer-memory.ts'
import { Column, type SpanTable } from '../../../otlp/span-table.ts'
import { TraceState } from '../../../otlp/trace-index.ts'
import { AnsweredCalls } from '../../../processors/trace-window/answered-calls.ts'
import { PassedSpans } from '../../../processors/trace-window/passed-spans.ts'
import { TraceStore } from '../../../processors/trace-window/trace-store.ts'
import { TraceStructure } from '../../../processors/trace-window/trace-structure.ts'
import { WholeTraces } from '../../../processors/trace-window/whole-traces.ts'
import { traceRequest } from '../../support/otlp-builder.ts'
import { scan } from '../../support/scan.ts'

function request(service: string, traceId: number): SpanTable {
  return scan(
    traceRequest([
      { service, scope: { name: `${service} scope` }, spans: [{ traceId, spanId: traceId, name: service }] },
    ]),
  )
}

describe('WholeTraces', () => {
  it('keeps spans of a slot that was left and taken again apart, while a refused batch holds this one back', () => {
    const store = new TraceStore()
    const structure = new TraceStructure(new PassedSpans(60_000, 1_000_000), new AnsweredCalls())
    const whole = new WholeTraces(new BufferMemory(() => 0))
    for (const [service, traceId] of [
      ['frontend', 1],
      ['cart', 2],
    ] as const) {
      store.add(request(service, traceId), 0)
      const trace = store.traces.byAge.first
      structure.read(store, trace)
      whole.add(store, structure, TraceState.complete)
      // The next request takes the slots that this one leaves.
      store.removeTrace(trace)
    }
    const { table } = whole.take()
    const rows = [0, 1].map((row) => ({
      name: table.name(row),
      service: table.resourceOf(row).serviceName,
      scope: table.scopeOf(row).name,
      source: table.get(row, Column.source),
    }))
    expect(rows).toEqual([
      { name: 'frontend', service: 'frontend', scope: 'frontend scope', source: 0 },
      { name: 'cart', service: 'cart', scope: 'cart scope', source: 1 },
    ])
  })
})
