import type { Rule } from '../rule.ts'

export const rule: Rule = {
  id: 'LIFE-002',
  name: 'child_starts_after_parent_end',
  levels: ['warn'],
  detected: true,
  processor: 'span_lifetime',
  signals: ['traces'],
  reads: 'start and end times of parents and children, which clock they were taken with, whether the parent timed out',
  when: 'A child starts after its parent has ended and the parent did not time out; between two clocks by more than their offset and its uncertainty.',
  meaning:
    'The work was handed over and done later. Its parent reports none of its time, and backends that cut children to their parent drop it.',
  drawing: `
    orders   POST /orders     ████████
      orders   index order             ········  ██████   starts 80 ms after its parent has ended`,
  key: { operation: true, instance: false },
  occurrence: 'span that started after its parent had ended',
  population: { per: 'operation', what: 'spans of that service and operation' },
  evidence: '`span_id` is the child, `related_span_id` its parent',
  causes: [
    {
      cause: 'asynchronous_work',
      means: 'The parent puts work into a queue, a channel or a goroutine and answers at once.',
      mend: 'Let the work be a trace of its own that links to where it came from.',
      go: `jobs <- job{order: order, link: trace.LinkFromContext(ctx)}

for j := range jobs {
	ctx, span := tracer.Start(context.Background(), "index order", trace.WithLinks(j.link))
	index(ctx, j.order)
	span.End()
}`,
    },
  ],
  values: [
    { key: 'share', of: 'finding', unit: '1', means: 'occurrences among the spans of the operation' },
    { key: 'gap_seconds', of: 'evidence', unit: 's', means: 'from the end of the parent to the start of the child' },
  ],
  thresholds: [
    {
      key: 'tolerance',
      default: '2ms',
      unit: 's',
      reason: 'Some SDKs cut times to milliseconds, and a deferred End runs late under load.',
    },
  ],
  fixed: [
    {
      what: 'spans of one operation that start after one parent, from which they are left to CTX-005',
      value: '3 over 1 s',
      constants: ['span-lifetime/late-starts.ts REUSED', 'span-lifetime/late-starts.ts REUSED_OVER_NANO'],
      reason: 'Work is handed over once; a loop comes again.',
    },
  ],
  blindTo: [
    'Parent and child of different clocks, unless the offset between them is known and smaller.',
    'A span that follows at once on the one it names as its parent, while their common grandparent waits: that parent is wrong (CTX-005).',
    'Spans of one operation that start again and again after the same parent: a loop keeps a context that it should not (CTX-005).',
    'A parent that gave up: what its callee does afterwards is LIFE-004 or LIFE-006.',
    'Children of an id that several spans of the trace have (CTX-007): whose they are cannot be told.',
  ],
  example: {
    recording: 'demo',
    level: 'warn',
    cause: 'asynchronous_work',
    confidence: 0.95,
    causeConfidence: 0.95,
    service: 'payment',
    operation: 'receipt.mail',
    occurrences: 18,
    population: 18,
    message: '18 of 18 spans "receipt.mail" of payment start after the span that they are part of has ended.',
    values: { share: 1 },
  },
}
