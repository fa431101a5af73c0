import type { Rule } from '../rule.ts'

export const rule: Rule = {
  id: 'LIFE-006',
  name: 'caller_gave_up',
  levels: ['info'],
  detected: true,
  processor: 'span_lifetime',
  signals: ['traces'],
  reads: 'status and end of the caller, end of the callee',
  when: 'The callee is still at work when its caller has given up, and ends within the grace; or it only starts then.',
  meaning:
    'Nothing is wrong with the trace: the child sticks out of its parent because the parent stopped waiting. Timeout and latency of the two do not fit together.',
  drawing: `
    frontend   GET /report    ██████████ ✕ timeout after 1 s
      reports    Report/Build   ███████████   ends 0.2 s later, within the grace`,
  key: { operation: true, instance: false },
  occurrence: 'call whose caller had timed out',
  population: { per: 'operation', what: 'spans of the callee operation' },
  evidence: "`span_id` is the callee's span, `related_span_id` the caller's",
  causes: [
    {
      cause: 'timeout',
      means: 'The timeout of the caller is shorter than the callee sometimes needs.',
      mend: 'Compare the two: raise the timeout, or make the callee faster. Give outer calls a longer timeout than inner ones.',
      go: `// outer calls wait longer than inner ones: the edge for 3 s, what it calls for 2 s
ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
defer cancel()
report, err := reports.Build(ctx, request)`,
    },
  ],
  values: [
    { key: 'share', of: 'finding', unit: '1', means: 'occurrences among the spans of the operation' },
    { key: 'overrun_seconds', of: 'evidence', unit: 's', means: 'how long the callee went on' },
  ],
  thresholds: [
    {
      key: 'cancel_grace',
      default: '1s',
      unit: 's',
      reason: 'Up to here the callee has noticed in time; beyond it is LIFE-004.',
    },
  ],
  fixed: [
    {
      what: 'calls from which it is said',
      value: '1',
      constants: [],
      reason: 'It is only worth knowing; how often it happens is its share.',
    },
    {
      what: 'how long it is held back, as is what outlives its caller (LIFE-001 between two processes)',
      value: '60 s',
      constants: ['span-lifetime/lifetime-judge.ts CLOCK_SETTLE_MS'],
      reason: 'A clock that was set between two processes looks the same until that is found out.',
    },
  ],
  blindTo: [
    'Callers that say they ended well: then the callee went on after its answer, which is LIFE-001.',
    'SDKs that set neither kind nor status say nothing of how a caller ended; it is taken to have given up, whatever the grace.',
  ],
  example: {
    level: 'info',
    cause: 'timeout',
    confidence: 0.9,
    causeConfidence: 0.9,
    service: 'reports',
    operation: 'Report/Build',
    edge: { from: 'frontend', to: 'reports', boundary: 'grpc' },
    occurrences: 12,
    population: 900,
    message: '12 of 900 spans "Report/Build" of reports were still at work when their caller had given up.',
    values: { share: 0.013333333333333334 },
  },
}
