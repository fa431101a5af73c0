import type { Rule } from '../rule.ts'

export const rule: Rule = {
  id: 'CLOCK-001',
  name: 'clock_offset',
  levels: ['warn'],
  detected: true,
  processor: 'span_lifetime',
  signals: ['traces'],
  reads: 'times of calls and of their answers between clock domains (host.id, node, host name, address)',
  when: 'Two clock domains differ by more than the tolerance, whatever the estimate may be wrong by, and by more than three times its uncertainty; or they drift apart by more than twice the tolerance.',
  meaning:
    'Times of spans on these machines cannot be compared: children seem to begin before their parents, network time comes out negative. Durations within one machine stay right. The `service` of the finding is the clock domain.',
  drawing: `
    node-a   search   CLIENT   ██████████████
    node-b   geo      SERVER ████████            begins 3 ms before it was called  <- clock of node-b is 3 ms behind`,
  key: { operation: false, instance: false },
  occurrence: 'second whose estimate is beyond the tolerance, or that far from where a drift began',
  population: { per: 'pair', what: 'seconds with an estimate for this pair of domains' },
  evidence: "`span_id` is the callee's span of a call between the two clocks, `related_span_id` the caller's",
  causes: [
    {
      cause: 'steady',
      means:
        'The offset stays the same: the clocks are disciplined to different sources, or one is not disciplined at all.',
      mend: 'Let both machines follow the same NTP or PTP source (chronyc tracking; timedatectl). Until then the gateway writes on each span by how much its clock is off, and with clock_correction: rewrite takes it out of the times.',
      config: {
        where: 'In /etc/chrony/chrony.conf on both machines',
        language: 'sh',
        text: `pool ntp.example.com iburst   # the same source on every machine of the cluster
makestep 1 3                  # set the clock in the first three updates only, then slew`,
      },
    },
    {
      cause: 'drifting',
      means: 'The offset grows: one clock runs free.',
      mend: 'Start or repair the time service on the machine that drifts. In virtual machines use the clock of the host. In Go, measure durations with time.Since, which a wrong wall clock does not touch, and never subtract the times of two machines.',
      go: `start := time.Now()
work(ctx)
histogram.Record(ctx, time.Since(start).Seconds()) // monotonic: right whatever the wall clock does`,
      config: {
        where: 'In /etc/chrony/chrony.conf of a virtual machine (KVM)',
        language: 'sh',
        text: `# modprobe ptp_kvm gives the guest the clock of its host
refclock PHC /dev/ptp0 poll 2`,
      },
    },
  ],
  values: [
    {
      key: 'offset_seconds',
      of: 'finding',
      unit: 's',
      means: 'how far the clock of the domain is ahead of the reference',
    },
    { key: 'uncertainty_seconds', of: 'finding', unit: 's', means: 'half width of the 95 % interval of that estimate' },
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
      key: 'offset_tolerance',
      default: '1ms',
      unit: 's',
      reason: 'NTP in one network holds clocks to a few tenths of a millisecond.',
    },
  ],
  fixed: [
    {
      what: 'times the uncertainty that an offset must exceed',
      value: '3',
      constants: ['span-lifetime/clock-drift.ts SIGNIFICANCE'],
      reason: 'Below it may be chance.',
    },
    {
      what: 'calls from which an offset is estimated',
      value: '10',
      constants: ['span-lifetime/clocks/offset-fit.ts MIN_CALLS'],
      reason: 'Fewer may all have waited on the way.',
    },
    {
      what: 'share of the way there and back that the offset must exceed the tolerance by',
      value: '0.1',
      constants: ['span-lifetime/clocks/clock-graph.ts ASYMMETRY_SHARE'],
      reason:
        'By as much ways that are taken as equal may differ: an offset at the tolerance is not now and then beyond it.',
    },
    {
      what: 'tolerances by which a drift must move the offset, if it is not beyond one of them otherwise, and seconds over which it is seen',
      value: '2, over 20 s at least and 120 s at most',
      constants: [
        'span-lifetime/clock-drift.ts FAR',
        'span-lifetime/clock-drift.ts enough',
        'span-lifetime/clock-drift.ts most',
      ],
      reason:
        'Then the offset is beyond the tolerance at one end of its way, even where the ways there and back differ. Half of what the delay changed by is taken off: a queue on one way looks like that.',
    },
    {
      what: 'seconds beyond the tolerance from which it is said',
      value: '10 where the bounds exclude zero, 20 where only symmetry tells',
      constants: ['span-lifetime/clock-judge.ts proven', 'span-lifetime/clock-judge.ts symmetric'],
      reason: 'A clock that is wrong stays wrong; a burst of load passes.',
    },
    {
      what: 'share of the last minute that must be beyond it',
      value: '0.5 of 60 s',
      constants: ['span-lifetime/clock-judge.ts MIN_SHARE', 'span-lifetime/clock-judge.ts RECENT'],
      reason: 'What was wrong once and is right now is no offset any more.',
    },
    {
      what: 'share of these seconds whose bounds must exclude zero, for confirmed',
      value: '0.5',
      constants: ['span-lifetime/clock-judge.ts MIN_SHARE'],
      reason: 'Then calls would have ended before they began, if the clocks were right.',
    },
  ],
  blindTo: [
    'Domains that never call each other, not even over others.',
    'A difference of the way there and back: it cannot be told from an offset, so the latency is taken as symmetric and the confidence is at most 0.85 unless the bounds exclude zero.',
  ],
  example: {
    recording: 'lifetime',
    level: 'warn',
    cause: 'steady',
    confidence: 0.99,
    causeConfidence: 0.95,
    service: 'node-b',
    operation: null,
    occurrences: 40,
    population: 40,
    message: 'The clock of node-b is 5.1 ms ahead of that of node-a.',
    values: { offset_seconds: 0.00508, uncertainty_seconds: 0.00014, reference: 'node-a' },
  },
}
