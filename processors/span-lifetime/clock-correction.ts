import type { TraceJudge, TraceObserver, TraceRule } from '../../component/trace-rule.ts'
import { SpanEdits } from '../../otlp/span-edits.ts'
import { Column } from '../../otlp/span-table.ts'
import type { SpanLifetimeConfig } from './config.ts'
import { shiftedEvents } from './event-times.ts'
import type { LifetimeFacts } from './lifetime-facts.ts'
import { movedTime } from './moved-time.ts'

const EVENTS_FIELD = 11

/**
 * Says on each span how far its clock is ahead of the reference, where that is known and matters; `rewrite` also takes
 * it out of start, end and events, and keeps what was sent. No rule: it finds nothing, and comes after those that do.
 */
export function clockCorrection(config: SpanLifetimeConfig): TraceRule<LifetimeFacts, null> {
  return {
    rules: [],
    createObserver: () => new ClockCorrection(config.clock_correction === 'rewrite'),
    createJudge: (): TraceJudge<null> => ({ judge: () => [], verdicts: () => new Map() }),
  }
}

class ClockCorrection implements TraceObserver<LifetimeFacts, null> {
  readonly #rewrites: boolean

  constructor(rewrites: boolean) {
    this.#rewrites = rewrites
  }

  observe(facts: LifetimeFacts): void {
    const { batch } = facts
    const { table } = batch
    if (!isAnyOff(facts)) return
    for (let row = 0; row < table.count; row++) {
      const offsetNano = facts.appliedOffsetNano(row)
      if (offsetNano === 0) continue
      batch.edits ??= new SpanEdits(table)
      batch.edits.appendDouble(row, 'blindspot.clock.applied_offset', offsetNano / 1e9)
      if (this.#rewrites) rewrite(facts, batch.edits, row, offsetNano)
    }
  }

  takeSummary(): null {
    return null
  }

  learn(): void {}
}

function isAnyOff({ batch, sources, clocks }: LifetimeFacts): boolean {
  for (let i = 0; i < batch.table.resources.length; i++) if (clocks.isOff(sources[i]!)) return true
  return false
}

function rewrite(facts: LifetimeFacts, edits: SpanEdits, row: number, offsetNano: number): void {
  const { table } = facts.batch
  moveTime(facts, edits, row, Column.start, 'blindspot.original.start_time', offsetNano)
  moveTime(facts, edits, row, Column.end, 'blindspot.original.end_time', offsetNano)
  if (table.eventCount(row) === 0) return
  const events = shiftedEvents(table, row, -offsetNano)
  if (events === null) return
  edits.removeField(row, EVENTS_FIELD)
  edits.appendBytes(row, events)
}

function moveTime(
  facts: LifetimeFacts,
  edits: SpanEdits,
  row: number,
  column: number,
  original: string,
  offsetNano: number,
): void {
  const { table } = facts.batch
  edits.appendInt64(row, original, table.get(row, column), table.get(row, column + 1))
  const moved = movedTime(table, row, column, -Math.round(offsetNano))
  edits.setTime(row, column, moved[0]!, moved[1]!)
}
