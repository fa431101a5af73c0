import { describe, expect, it } from '@jest/globals'
import { CATALOGUE, findRule, hasCause } from '../../findings/catalogue/catalogue.ts'
import { outranks } from '../../findings/catalogue/precedence.ts'
import { configSchema as contextPropagation } from '../../processors/context-propagation/config.ts'
import { configSchema as goRuntime } from '../../processors/go-runtime/config.ts'
import { configSchema as spanLifetime } from '../../processors/span-lifetime/config.ts'

const DEFAULTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  context_propagation: contextPropagation.parse({}),
  span_lifetime: spanLifetime.parse({}),
  go_runtime: goRuntime.parse({}),
}

describe('the catalogue', () => {
  it('holds the ids, names and causes that dashboards, alerts and baselines hold on to', () => {
    const lines = CATALOGUE.map(
      ({ id, name, levels, causes }) =>
        `${id} ${name} ${levels.join('/')}: ${causes.map(({ cause }) => cause).join(' ')}`,
    )
    expect(lines).toEqual([
      'CTX-001 orphan_span error: parent_not_exported parent_dropped sampling_mismatch parent_never_ended undetermined',
      'CTX-002 context_lost_between_services error: caller_does_not_inject callee_does_not_extract format_mismatch stripped_on_the_way undetermined',
      'CTX-003 context_dropped_in_process error: call_without_context detached_goroutine undetermined',
      'CTX-004 trace_id_truncated error: truncated_to_64_bits',
      'CTX-005 wrong_parent error: sibling_parent context_reused',
      'CTX-006 double_instrumentation warn: two_handlers',
      'CTX-007 duplicate_span_id warn: id_reused sent_twice',
      'CTX-008 sampling_threshold_lost warn: tracestate_dropped flag_flipped',
      'GW-001 partial_view info: split_traffic',
      'LIFE-001 child_outlives_parent warn: asynchronous_work',
      'LIFE-002 child_starts_after_parent_end warn: asynchronous_work',
      'LIFE-003 ended_too_early error: ended_before_async_work ended_before_response',
      'LIFE-004 work_after_cancel error: cancellation_ignored',
      'LIFE-005 impossible_times error: end_before_start in_the_future too_long event_outside',
      'LIFE-006 caller_gave_up info: timeout',
      'CLOCK-001 clock_offset warn: steady drifting',
      'CLOCK-002 clock_step error: step',
      'GO-001 gc_disabled error/info: gogc_off',
    ])
  })

  it.each(CATALOGUE.map((rule) => [rule.id, rule] as const))('%s has an example that it could make', (id, rule) => {
    const { example } = rule
    expect(findRule(id)).toBe(rule)
    expect(hasCause(rule, example.cause)).toBe(true)
    expect(rule.levels).toContain(example.level)
    expect(example.occurrences).toBeLessThanOrEqual(example.population)
    const keys = rule.values.filter((value) => value.of !== 'evidence').map((value) => value.key)
    expect(keys).toEqual(expect.arrayContaining(Object.keys(example.values)))
  })

  it.each(
    CATALOGUE.filter((rule) => rule.detected).flatMap((rule) =>
      rule.thresholds.map((threshold) => [rule.id, threshold.key, rule.processor, threshold] as const),
    ),
  )('%s has its threshold %s as a setting of %s, with the same default', (_id, key, processor, threshold) => {
    const value = DEFAULTS[processor]![key] as number
    const { unit, default: text } = threshold
    expect(unit === 's' ? formatMs(value) : String(value)).toBe(text)
  })
})

function formatMs(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`
  if (ms % 60_000 === 0 && ms > 60_000) return `${ms / 60_000}m`
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}

describe('precedence on one span', () => {
  it.each([
    ['CTX-002', 'CTX-001', true],
    ['CTX-007', 'CTX-002', true],
    ['CTX-001', 'CTX-002', false],
    ['CTX-001', 'CTX-001', false],
    ['LIFE-005', 'LIFE-001', true],
    ['CTX-001', 'LIFE-005', false],
    ['LIFE-005', 'CTX-001', false],
    ['CLOCK-001', 'LIFE-001', true],
    ['CLOCK-001', 'CTX-001', false],
  ])('%s outranks %s: %s', (rule, other, expected) => {
    expect(outranks(rule, other)).toBe(expected)
  })
})
