import type { Rule } from '../rule.ts'

export const rule: Rule = {
  id: 'LIFE-001',
  name: 'child_outlives_parent',
  levels: ['warn'],
  detected: true,
  processor: 'span_lifetime',
  signals: ['traces'],
  reads: 'start and end times of parents and children, and which clock they were taken with',
  when: 'A child ends after its parent by more than the tolerance; between two clocks by more than their offset and its uncertainty as well.',
  meaning:
    'The parent reports less time than its work takes. Latency dashboards of the operation are too good, and tools that cut children off at the end of their parent throw the rest of the work away.',
  drawing: `
    orders   POST /orders       ██████████            200 OK after 40 ms
      orders   publish event         ███████████████  ends 60 ms later  <- 60 ms that no dashboard shows`,
  key: { operation: true, instance: false },
  occurrence: 'span that ended after its parent',
  population: { per: 'operation', what: 'spans of that service and operation' },
  evidence: '`span_id` is the child, `related_span_id` its parent',
  causes: [
    {
      cause: 'asynchronous_work',
      means: 'The parent starts work in a goroutine and does not wait for it.',
      mend: 'If the caller needs the result, wait before the span ends. If it does not, give the work a span of its own trace with a link, so that both tell the truth.',
      go: `link := trace.LinkFromContext(ctx)
go func() {
	ctx := context.WithoutCancel(ctx) // keeps values, drops the deadline
	ctx, span := tracer.Start(ctx, "publish event", trace.WithNewRoot(), trace.WithLinks(link))
	defer span.End()
	publish(ctx, event)
}()`,
    },
  ],
  values: [
    { key: 'share', of: 'finding', unit: '1', means: 'occurrences among the spans of the operation' },
    {
      key: 'overrun_seconds',
      of: 'evidence',
      unit: 's',
      means: 'how long the child went on after its parent had ended',
    },
  ],
  thresholds: [
    {
      key: 'tolerance',
      default: '2ms',
      unit: 's',
      reason:
        'Spans are ended one after the other, some SDKs cut times to milliseconds, and a deferred End runs late under load.',
    },
  ],
  fixed: [
    {
      what: 'between processes, calls from which it is said, and their share',
      value: '3, and 0.01',
      constants: ['span-lifetime/lifetime-kinds.ts minOccurrences', 'span-lifetime/lifetime-kinds.ts minShare'],
      reason: 'A scheduler under load ends the span of a server now and then only when its answer has arrived.',
    },
  ],
  blindTo: [
    'Parent and child of two clocks whose offset is not known yet, or not at all.',
    'A callee that now and then ends a moment after its answer has arrived: between processes it takes three calls and one in a hundred.',
    'Spans of operations that go on by design: name them in `detached_operations`; those of otelhttptrace are there already.',
    'Consumers: what they do later is no part of what the producer did.',
    'A child that only starts after its parent has ended: that is LIFE-002.',
    'Children of an id that several spans of the trace have (CTX-007): whose they are cannot be told.',
  ],
  example: {
    recording: 'demo',
    level: 'warn',
    cause: 'asynchronous_work',
    confidence: 0.95,
    causeConfidence: 0.95,
    service: 'payment',
    operation: 'receipt.render',
    occurrences: 18,
    population: 18,
    message:
      '18 of 18 spans "receipt.render" of payment end after the span that they are part of: work goes on when its parent has already answered.',
    values: { share: 1 },
  },
}
