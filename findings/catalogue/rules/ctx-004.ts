import type { Rule } from '../rule.ts'

export const rule: Rule = {
  id: 'CTX-004',
  name: 'trace_id_truncated',
  levels: ['error'],
  detected: true,
  processor: 'context_propagation',
  signals: ['traces'],
  reads: 'the two halves of trace ids, parent ids across traces',
  when: 'A subtree goes on under a trace id whose low 64 bits are those of its caller and whose high bits are zero.',
  meaning:
    'Somebody on the way knows only ids of 64 bits (old Jaeger or B3 clients, Datadog) and cut the first half off. The trace is in two pieces in every backend that compares whole ids, though each parent id is right.',
  drawing: `
    trace 8f1c44a0b2d95e77 1d3b90fe6a5c2241   gateway   GET /          ████████████
                                                gateway   POST /pay      ████████    span 51aa…

    trace 0000000000000000 1d3b90fe6a5c2241   billing   POST /pay        ██████      parent 51aa…  <- the same trace`,
  key: { operation: false, instance: false },
  occurrence: 'subtree under a cut id',
  population: { per: 'edge', what: 'calls from this caller to this callee that were seen' },
  evidence: "`span_id` is the first span under the cut id, `related_span_id` the caller's, under the whole one",
  causes: [
    {
      cause: 'truncated_to_64_bits',
      means: 'The caller sends, or the callee reads, only 64 bits of the trace id.',
      mend: 'Let both sides speak W3C Trace Context. Where B3 or Datadog headers have to stay, switch 128-bit ids on on both sides.',
      go: `// Datadog: DD_TRACE_128_BIT_TRACEID_GENERATION_ENABLED=true
//          DD_TRACE_PROPAGATION_STYLE=tracecontext,datadog
// OpenTelemetry reads both while callers are migrated:
otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, b3.New()))`,
    },
  ],
  values: [],
  thresholds: [],
  fixed: [
    {
      what: 'how far apart the two halves of a trace may arrive',
      value: '30 s',
      constants: ['context-propagation/truncated-id.ts REACH_MS'],
      reason: 'The longest wait of the trace window, and an export interval.',
    },
    {
      what: 'without another suspicion for this long, calls are not remembered any more',
      value: '60 s',
      constants: ['context-propagation/truncated-id.ts DISARM_AFTER_MS'],
      reason: 'Remembering every call costs memory that only this rule needs.',
    },
  ],
  blindTo: [
    'Systems whose ids are 64 bits wide by origin: without a caller that has the other half there is no break.',
    'Callers that send no CLIENT or PRODUCER span of the call: the spans that are cut off then are orphans (CTX-001).',
    'Cut spans of the first seconds, if nothing is cut after them: calls are remembered from the first cut span on, and what was cut before is decided by its operation, or by its service where one caller cut all that is known of it. Where ids of 128 bits have been seen, CTX-001 says nothing of a span that looks cut until its grace has passed; the first of all is an orphan until then.',
  ],
  example: {
    recording: 'propagation',
    level: 'error',
    cause: 'truncated_to_64_bits',
    confidence: 0.99,
    causeConfidence: 0.99,
    service: 'payment',
    operation: 'POST /charges',
    edge: { from: 'checkout', to: 'payment', boundary: 'http' },
    occurrences: 34,
    population: 34,
    message: '34 of 34 calls from checkout to payment go on under the last 64 bits of their trace id.',
    values: {},
  },
}
