import type { Rule } from '../rule.ts'

export const rule: Rule = {
  id: 'CLOCK-002',
  name: 'clock_step',
  levels: ['error'],
  detected: true,
  processor: 'span_lifetime',
  signals: ['traces'],
  reads: 'the estimates of CLOCK-001, one after the other',
  when: 'The offset of a clock domain jumps between two estimates by more than the tolerance.',
  meaning:
    'A clock was set while services were running. Spans that were open at that moment have wrong durations, and caches, leases and certificates may have expired early or late. The `service` of the finding is the clock domain.',
  drawing: `
    offset of node-b    ─────────────┐
                                     └───────────────   −120 ms at 14:03:07  <- step`,
  key: { operation: false, instance: false },
  occurrence: 'step',
  population: { per: 'pair', what: 'pairs of estimates that follow each other' },
  evidence: "`span_id` is the callee's span of a call between the two clocks, `related_span_id` the caller's",
  causes: [
    {
      cause: 'step',
      means:
        'The clock was set instead of slewed: a time service that started late, a virtual machine that was paused or moved, or somebody with date -s.',
      mend: 'Let the time service slew (chrony: makestep only at start, such as "makestep 1 3"), and let it start before the services. In Go, leases and deadlines that are kept inside a process survive a step when they are monotonic.',
      go: `deadline := time.Now().Add(ttl) // keeps its monotonic reading
if time.Now().After(deadline) { // so this is right even if the wall clock was set
	renew(ctx)
}
// lost: deadline.Round(0), deadline.UTC() sent to another process and parsed again`,
      config: {
        where: 'In /etc/chrony/chrony.conf',
        language: 'sh',
        text: `makestep 1 3   # set the clock in the first three updates after the start only, then slew`,
      },
    },
  ],
  values: [
    {
      key: 'step_seconds',
      of: 'finding',
      unit: 's',
      means: 'by how much the offset jumped; of several steps the largest',
    },
    { key: 'reference', of: 'finding', unit: '', means: 'the clock domain that the offset is given against' },
    {
      key: 'apparent_offset_seconds',
      of: 'evidence',
      unit: 's',
      means: 'offset of callee to caller that this call alone shows, if it went there as fast as back',
    },
    { key: 'delay_seconds', of: 'evidence', unit: 's', means: 'way there and back of this call' },
  ],
  thresholds: [
    {
      key: 'step_tolerance',
      default: '5ms',
      unit: 's',
      reason: 'Larger than what estimates under load scatter, smaller than what anyone sets by hand.',
    },
  ],
  fixed: [
    {
      what: 'a jump is looked for from',
      value: '0.5 ms',
      constants: ['span-lifetime/clocks/find-steps.ts MIN_STEP_NANO'],
      reason:
        'Below it is noise of the estimate; above it and below step_tolerance the offset is followed without a finding.',
    },
    {
      what: 'share of the way there and back, where the calls around it waited most, that a jump must exceed',
      value: '0.5',
      constants: ['span-lifetime/clocks/find-steps.ts ONE_WAY'],
      reason: 'What is spent on one of the two ways alone moves the estimate by half of it, and looks the same.',
    },
    {
      what: 'how long a step is provisional',
      value: '15 s',
      constants: ['span-lifetime/clock-judge.ts STEP_CERTAIN_MS'],
      reason:
        'Whose clock was set is known when the calls of all pairs of clocks have come. The confidence is 0.87 until then, and 0.97 from then on.',
    },
  ],
  blindTo: [
    'Steps with fewer than 32 calls between two clocks before or after them, within a minute and a half.',
    'Steps of all clocks at once, and steps on a machine that makes no calls at that time.',
    'Which of two clocks stepped, when there are only two: it is said of the one that is not the reference.',
  ],
  example: {
    level: 'error',
    cause: 'step',
    confidence: 0.97,
    causeConfidence: 0.97,
    service: 'node-b',
    operation: null,
    occurrences: 1,
    population: 59,
    message: 'The clock of node-b was set back by 120.0 ms.',
    values: { step_seconds: -0.12, reference: 'node-a' },
  },
}
