import { describe, expect, it } from '@jest/globals'
import { TracesBatch } from '../../component/batch.ts'
import { ACCEPTED } from '../../component/consumer.ts'
import type { FindingReport } from '../../component/finding.ts'
import type { TraceRule } from '../../component/trace-rule.ts'
import { TraceRuleProcessor } from '../../component/trace-rule-processor.ts'
import { RefCache } from '../../otlp/resource-cache.ts'
import { Parent, TraceState } from '../../otlp/trace-index.ts'
import type { LogFields } from '../../telemetry/logger.ts'
import { report } from '../findings/support/reports.ts'
import { tracesBatch } from '../support/scan.ts'
import { testProcessorSettings } from '../support/test-settings.ts'

const refs = new RefCache()
const NO_VERDICTS = new Map<string, string>()
const DEFECT = new Error('of the test')

/** A rule that finds a batch with each batch, but for those in which it fails. */
function rule(cause: string, fails: { observe?: boolean; judge?: boolean } = {}): TraceRule<Facts, number> {
  return {
    rules: ['CTX-001'],
    createObserver() {
      let seen = 0
      return {
        observe() {
          if (fails.observe) throw DEFECT
          seen++
        },
        takeSummary: () => seen,
        learn() {},
      }
    },
    createJudge: () => ({
      judge([occurrences]): FindingReport[] {
        if (fails.judge) throw DEFECT
        return occurrences === 0 ? [] : [report({ cause, occurrences: occurrences! })]
      },
      verdicts: () => NO_VERDICTS,
    }),
  }
}

class Facts {
  read(): void {}
}

async function processor(...rules: TraceRule<Facts, number>[]) {
  const errors: LogFields[] = []
  const settings = testProcessorSettings('context_propagation', 'traces')
  const logger = {
    ...settings.logger,
    error: (message: string, fields?: LogFields) => errors.push({ message, ...fields }),
  }
  const passed: TracesBatch[] = []
  const next = {
    consume(batch: TracesBatch) {
      passed.push(batch)
      return ACCEPTED
    },
  }
  const running = new TraceRuleProcessor({ ...settings, logger }, next, {
    facts: new Facts(),
    judgeIntervalMs: 1000,
    sections: {},
  })
  for (const one of rules) running.add(one)
  await running.start()
  /** One trace of one span. */
  const batch = () =>
    new TracesBatch(tracesBatch([{ service: 'cart', spans: [{ traceId: 1, name: 'get' }] }], refs).table, {
      traceCount: 1,
      firstRow: Uint32Array.of(0, 1),
      parentRow: Int32Array.of(Parent.none),
      state: Uint8Array.of(TraceState.complete),
    })
  const found = () => settings.findings.reports.map(({ cause, occurrences }) => [cause, occurrences])
  return { running, settings, errors, passed, batch, found }
}

describe('a processor of trace rules', () => {
  it('lets spans go on when a rule meets a defect of its own, and the rules before it speak', async () => {
    const { running, settings, errors, passed, batch, found } = await processor(
      rule('undetermined'),
      rule('parent_dropped', { observe: true }),
    )
    expect(running.consume(batch())).toEqual(ACCEPTED)
    settings.clock.advanceBy(1000)
    expect(passed).toHaveLength(1)
    expect(found()).toEqual([['undetermined', 1]])
    expect(errors).toEqual([{ message: expect.stringContaining('in CTX-001'), error: DEFECT }])
  })

  it('hears the other judges when one fails', async () => {
    const { running, settings, errors, batch, found } = await processor(
      rule('parent_dropped', { judge: true }),
      rule('undetermined'),
    )
    running.consume(batch())
    settings.clock.advanceBy(1000)
    expect(found()).toEqual([['undetermined', 1]])
    expect(errors).toHaveLength(1)
  })

  it('says so once in ten seconds, however often it happens', async () => {
    const { running, settings, errors, batch, passed } = await processor(rule('undetermined', { observe: true }))
    for (let i = 0; i < 90; i++) {
      running.consume(batch())
      settings.clock.advanceBy(1000)
    }
    expect(passed).toHaveLength(90)
    expect(errors).toHaveLength(9)
  })
})
