import type { Batch } from '../../component/batch.ts'
import type { ExporterFactory } from '../../component/component.ts'
import { ACCEPTED } from '../../component/consumer.ts'
import { ITEM_NAMES } from '../../component/signal.ts'
import { configSchema, type DebugConfig } from './config.ts'

export const factory: ExporterFactory<DebugConfig> = {
  kind: 'exporter',
  type: 'debug',
  aliases: [],
  description: 'Writes what passes to standard output, for people.',
  signals: ['traces', 'metrics', 'logs', 'profiles'],
  config: configSchema,
  create(settings, config) {
    return {
      async start() {},
      async stop() {},
      consume(batch) {
        for (const line of linesOf(batch, config)) process.stdout.write(`${line}\n`)
        const ledger = settings.ledgers[batch.signal]
        ledger.accepted += batch.itemCount
        ledger.sent += batch.itemCount
        return ACCEPTED
      },
    }
  },
}

function linesOf(batch: Batch, config: DebugConfig): string[] {
  const lines = [`${batch.signal}: ${batch.itemCount} ${ITEM_NAMES[batch.signal]}`]
  if (config.verbosity === 'basic' || batch.signal !== 'traces') return lines
  const { table, edits } = batch
  for (const [row, edit] of edits?.edited ?? []) {
    const rules = edit.arrays.get('blindspot.rules')
    if (!rules) continue
    const causes = edit.arrays.get('blindspot.causes') ?? []
    const found = rules.map((rule, i) => `${rule} ${causes[i]}`).join(', ')
    lines.push(
      `  ${found}: ${table.resourceOf(row).serviceName} "${table.name(row)}" trace ${table.traceIdHex(row)} span ${table.spanIdHex(row)}`,
    )
  }
  return lines
}
