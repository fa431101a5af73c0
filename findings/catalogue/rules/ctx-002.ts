import { type Rule, undetermined } from '../rule.ts'

export const rule: Rule = {
  id: 'CTX-002',
  name: 'context_lost_between_services',
  levels: ['error'],
  detected: true,
  processor: 'context_propagation',
  signals: ['traces'],
  reads:
    'span kinds, parents and links, times, span names, and what the caller says of its peer (server.address, rpc.service, messaging.destination.name)',
  when: 'Entry spans of the callee begin new traces without a link, while the CLIENT or PRODUCER spans of the caller that fit them in time and name have no child.',
  meaning:
    'Each request falls apart into two traces here. Nobody sees that the slow call in one is the slow request in the other, head sampling decides twice, and the service map lacks the edge.',
  drawing: `
    trace A   frontend   GET /hotels         ██████████████████████
                frontend   search.Nearby       ██████████████        CLIENT, no child

    trace B   search     /search.Nearby         ████████████         SERVER, root, no link  <- should hang below the CLIENT span`,
  key: { operation: ['stripped_on_the_way'], instance: false },
  occurrence: 'call whose callee began a new trace',
  population: { per: 'edge', what: 'calls from this caller to this callee that were seen, connected or not' },
  messageOfAll: ({ edge }, occurrences, population) =>
    `${occurrences} of ${population} calls from ${edge!.from} to ${edge!.to} begin a new trace in ${edge!.to}: the trace context is lost on the way.`,
  evidence:
    "`span_id` is the root in the callee, `related_span_id` the caller's span where it is known; that one is in the trace `caller_trace_id`",
  causes: [
    {
      cause: 'caller_does_not_inject',
      means:
        'No edge out of the caller is connected, while the callee takes context from others: the caller sends no traceparent.',
      mend: 'Set a propagator at start-up (the default of the Go API does nothing) and use an instrumented client.',
      go: `otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(
	propagation.TraceContext{}, propagation.Baggage{},
))

client := &http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}
conn, err := grpc.NewClient(target, grpc.WithStatsHandler(otelgrpc.NewClientHandler()))`,
    },
    {
      cause: 'callee_does_not_extract',
      means:
        'No edge into the callee is connected, while its callers reach others: the callee does not read traceparent.',
      mend: 'Set the propagator in the callee too, and wrap its server. A handler that starts its own span must take the context of the request.',
      go: `otel.SetTextMapPropagator(propagation.TraceContext{})

http.Handle("/", otelhttp.NewHandler(mux, "server"))
srv := grpc.NewServer(grpc.StatsHandler(otelgrpc.NewServerHandler()))`,
    },
    {
      cause: 'format_mismatch',
      means:
        'Only this edge is cut, and the instrumentation of the two sides speaks different formats (traceparent, B3, grpc-trace-bin).',
      mend: 'Let both sides speak W3C; while migrating, let the callee read both.',
      go: `otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(
	propagation.TraceContext{},
	b3.New(), // go.opentelemetry.io/contrib/propagators/b3, until the callers are migrated
))`,
    },
    {
      cause: 'stripped_on_the_way',
      means:
        'Only this edge or route is cut though both sides speak the same format: something between them drops the header.',
      mend: 'Look at what stands between: an allow-list of headers in a proxy or API gateway, a message bridge that does not copy headers, code that builds new metadata. In Go the last is often a metadata.NewOutgoingContext that replaces what was there.',
      go: `// replaces all outgoing metadata, traceparent included:
ctx = metadata.NewOutgoingContext(ctx, md)
// adds to it:
ctx = metadata.AppendToOutgoingContext(ctx, "tenant", tenant)`,
    },
    undetermined,
  ],
  values: [
    { key: 'connected_share', of: 'finding', unit: '1', means: 'calls on the edge whose callee is in the same trace' },
    { key: 'caller_trace_id', of: 'evidence', unit: '', means: 'the trace of the call that this root answers' },
  ],
  thresholds: [
    {
      key: 'min_occurrences',
      default: '5',
      unit: '{call}',
      reason: 'Fewer may be a client from outside that happened to call at the same time.',
    },
    {
      key: 'match_tolerance',
      default: '50ms',
      unit: 's',
      reason: 'Clocks of two nodes differ by some milliseconds, and a request is on its way for a while.',
    },
  ],
  fixed: [
    {
      what: 'share of lost calls from which an edge counts as broken, and up to which as whole',
      value: '0.95, 0.05',
      constants: [
        'context-propagation/context-lost/lost-edge-cause.ts BROKEN',
        'context-propagation/context-lost/lost-edge-cause.ts WHOLE',
      ],
      reason:
        'Between them an edge decides nothing: a deployment is under way, or one instance of several is at fault.',
    },
    {
      what: 'share of the edges that break for a reason of their own, and the surest a cause can be',
      value: '0.05, 0.99',
      constants: [
        'context-propagation/context-lost/lost-edge-cause.ts COINCIDENCE',
        'context-propagation/how-sure.ts SUREST',
      ],
      reason:
        'The confidence of a cause is its odds against what else may be: that several edges broke at once, each by itself, or that the others lose as large a share and were spared by chance.',
    },
    {
      what: 'how long a call waits for the other side to arrive',
      value: '10 s',
      constants: ['context-propagation/context-lost/context-lost-judge.ts MATCH_AFTER_MS'],
      reason: 'SDKs export every 5 s, so by then both sides have left the trace window.',
    },
    {
      what: 'time of which the calls of an edge decide the cause',
      value: '60 s, or all where that is fewer than min_occurrences',
      constants: [],
      reason: 'A fault that begins or ends is named by what is, not by what was before it.',
    },
    {
      what: 'where neither side names the other: share of the roots that lie inside calls of one exit, how far the numbers of both may differ, and log-likelihood against chance',
      value: '0.95 (within 5 ms), 0.1, 14',
      constants: [
        'context-propagation/context-lost/timed-match.ts INSIDE',
        'context-propagation/context-lost/timed-match.ts COUNTS_DIFFER',
        'context-propagation/context-lost/timed-match.ts PROOF',
        'context-propagation/context-lost/timed-match.ts TOLERANCE_MS',
      ],
      reason:
        'Time and counts are weak evidence: twenty roots at least, no other exit and no other entry that would do as well, and then a confidence of 0.85.',
    },
  ],
  blindTo: [
    'Roots with a link: a consumer that links instead of nesting is by design.',
    'Callers that send no spans at all: a root without a caller is just a root.',
    'A service that loses the context of some messages only, where others take the same ones with theirs.',
    'Callers that name nobody, are never answered and are always busy, or call several operations by one name: time and counts tell nothing then.',
    'Edges on which too few calls were made to tell a loss from a coincidence; and new losses on edges where answers come so late that roots of others were taken for them within the last minute.',
  ],
  example: {
    recording: 'demo',
    level: 'error',
    cause: 'caller_does_not_inject',
    confidence: 0.97,
    causeConfidence: 0.99,
    service: 'cart',
    operation: null,
    edge: { from: 'edge', to: 'cart', boundary: 'grpc' },
    occurrences: 187,
    population: 193,
    message: '187 of 193 calls from edge to cart begin a new trace in cart: the trace context is lost on the way.',
    values: { connected_share: 0.031088082901554404 },
  },
}
