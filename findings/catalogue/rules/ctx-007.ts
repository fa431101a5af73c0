import type { Rule } from '../rule.ts'

export const rule: Rule = {
  id: 'CTX-007',
  name: 'duplicate_span_id',
  levels: ['warn'],
  detected: true,
  processor: 'context_propagation',
  signals: ['traces'],
  reads: 'trace and span ids, kinds, the bytes of both spans',
  when: 'Two spans share trace and span id and are no client and server of B3, which share one by design.',
  meaning:
    'Whoever names that id as parent hangs below either. Backends keep one of the two, merge them, or show the trace twice.',
  drawing: `
    span 7c40…   orders   GET /a   ██████
    span 7c40…   orders   GET /b      ████████   <- the same id for other work`,
  key: { operation: true, instance: false },
  occurrence: 'span whose id was there already',
  population: { per: 'operation', what: 'spans of that service and operation' },
  evidence: '`span_id` and `related_span_id` are the id that both have',
  causes: [
    {
      cause: 'id_reused',
      means:
        'Different spans have one id: a generator with a fixed seed, the state of a random source copied by a fork or a snapshot, or a span copied by hand.',
      mend: 'Leave ids to the SDK. An own generator must be seeded from crypto/rand, once a process.',
      go: `sdktrace.NewTracerProvider(
	sdktrace.WithBatcher(exporter),
	// sdktrace.WithIDGenerator(myGenerator),  <- remove; the default is random
)`,
    },
    {
      cause: 'sent_twice',
      means:
        'The same span came twice, with equal times, name, kind and parent: two exporters to the same destination, a retry after an answer that was lost, or a collector that fans out and joins again.',
      mend: 'Look for two exporters (code and OTEL_* environment both) and for a second way through a collector. Single ones after an outage are retries, and harmless.',
      go: `// one exporter a provider; OTEL_TRACES_EXPORTER with autoexport adds one of its own:
sdktrace.NewTracerProvider(
	sdktrace.WithBatcher(exporter),
	// sdktrace.WithSpanProcessor(sdktrace.NewBatchSpanProcessor(exporter)),  <- remove: the same again
)`,
    },
  ],
  values: [
    { key: 'other_service', of: 'evidence', unit: '', means: 'service of the span that has the id too' },
    { key: 'other_operation', of: 'evidence', unit: '', means: 'name of the span that has the id too' },
  ],
  thresholds: [],
  fixed: [
    {
      what: 'spans from which it is said',
      value: '1',
      constants: [],
      reason: 'Random ids of 64 bits do not meet by chance within one trace.',
    },
  ],
  blindTo: ['Repeats that come when the trace has left the trace_window: the first one is gone by then.'],
  example: {
    level: 'warn',
    cause: 'sent_twice',
    confidence: 0.99,
    causeConfidence: 0.97,
    service: 'orders',
    operation: 'GET /a',
    occurrences: 512,
    population: 1024,
    message: '512 of 1024 spans "GET /a" of orders came twice.',
    values: {},
  },
}
