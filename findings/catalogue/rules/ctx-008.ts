import type { Rule } from '../rule.ts'

export const rule: Rule = {
  id: 'CTX-008',
  name: 'sampling_threshold_lost',
  levels: ['warn'],
  detected: true,
  processor: 'context_propagation',
  signals: ['traces'],
  reads: 'the ot= entry of tracestate and the sampled flag on both sides of an edge',
  when: 'The ot= entry of tracestate, or the sampled flag, changes on an edge against the rules of W3C Trace Context.',
  meaning:
    'The trace is whole, but what the sampling decision was is lost: counts that are scaled up from sampled spans are wrong behind this edge, and later services may decide anew.',
  drawing: `
    frontend   GET /        ██████████████████   tracestate: ot=th:c (1 of 4 kept)   sampled
      frontend   GET /s       ██████████████     tracestate: ot=th:c                 sampled
        search     GET /s       ██████████       tracestate: —                       sampled   <- counts as 1 of 1`,
  key: { operation: false, instance: false },
  occurrence: 'call over which the decision changed',
  population: { per: 'edge', what: 'calls from this caller to this callee that carry a decision' },
  messageOfAll: ({ edge }, occurrences, population) =>
    `${occurrences} of ${population} calls from ${edge!.from} to ${edge!.to} lose what was decided about sampling.`,
  evidence: "`span_id` is the callee's span, `related_span_id` the caller's",
  causes: [
    {
      cause: 'tracestate_dropped',
      means:
        'traceparent arrives and tracestate does not: a proxy with an allow-list of headers, or a header cut at its limit of 512 characters.',
      mend: 'Let the proxy pass tracestate wherever it passes traceparent. OpenTelemetry puts its entry first, so that cutting at the end is safe. Where a Go service copies headers by hand, let the propagator do it.',
      go: `// copies traceparent only, and loses tracestate:
out.Header.Set("traceparent", in.Header.Get("traceparent"))
// both, whatever the format:
otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(out.Header))`,
    },
    {
      cause: 'flag_flipped',
      means:
        'The callee samples although its caller did not, or the other way round: its sampler does not look at the parent.',
      mend: 'Wrap the sampler.',
      go: `sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.AlwaysSample())) // not AlwaysSample() alone`,
    },
  ],
  values: [],
  thresholds: [
    {
      key: 'min_occurrences',
      default: '5',
      unit: '{call}',
      reason: 'While a sampler is being changed some calls go through with either decision.',
    },
  ],
  fixed: [],
  blindTo: [
    'Two sides that arrive more than half a minute apart, or before a call of that operation has been seen whole.',
    'Callers that were not sampled send no span, so only a flag that goes out is seen, and only where the version of the SDK in that service sends it at all.',
    'Whether a callee lost tracestate or does not export it: both look alike.',
  ],
  example: {
    level: 'warn',
    cause: 'tracestate_dropped',
    confidence: 0.95,
    causeConfidence: 0.97,
    service: 'search',
    operation: null,
    edge: { from: 'frontend', to: 'search', boundary: 'http' },
    occurrences: 300,
    population: 300,
    message: '300 of 300 calls from frontend to search lose what was decided about sampling.',
    values: {},
  },
}
