import { expect, it } from '@jest/globals'
import { configSchema } from '../../../exporters/nop/config.ts'
import { factory } from '../../../exporters/nop/nop.ts'
import { opaqueTraces } from '../../support/batches.ts'
import { testExporterSettings } from '../../support/test-settings.ts'

it('takes everything, counts it, and keeps nothing', () => {
  const settings = testExporterSettings('nop')
  const exporter = factory.create(settings, configSchema.parse({}))
  const batch = opaqueTraces(new Uint8Array(10), 4)
  expect(exporter.consume(batch)).toEqual({ kind: 'accepted' })
  expect(settings.ledgers.traces).toMatchObject({ accepted: 4, sent: 4, held: 0 })
  expect(batch.table.sources[0]!.references).toBe(1)
})
