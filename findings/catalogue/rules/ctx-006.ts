import type { Rule } from '../rule.ts'

export const rule: Rule = {
  id: 'CTX-006',
  name: 'double_instrumentation',
  levels: ['warn'],
  detected: true,
  processor: 'context_propagation',
  signals: ['traces'],
  reads: 'spans of the same kind that enclose each other with nearly equal times, scopes, span names',
  when: 'Each call of an operation makes two spans of the same kind.',
  meaning:
    'Calls are counted twice, edges of the service map run from a service to itself, and you pay for spans that say nothing.',
  drawing: `
    search   search.Search/Nearby   █████████████████████   SERVER, scope otelgrpc
      search   search.Search/Nearby  ███████████████████    SERVER, scope otelgrpc  <- the same call
        search   db query             ██████`,
  key: { operation: true, instance: false },
  occurrence: 'pair of spans for one call',
  population: { per: 'operation', what: 'calls of that service and operation' },
  evidence: '`span_id` is the outer one of the two, `related_span_id` the inner one',
  causes: [
    {
      cause: 'two_handlers',
      means:
        'Two instrumentations wrap the same call: interceptor and stats handler, middleware and otelhttp, or a library and an agent.',
      mend: 'Keep one. For gRPC that is the stats handler; current versions of otelgrpc have no interceptors any more.',
      go: `srv := grpc.NewServer(
	grpc.StatsHandler(otelgrpc.NewServerHandler()),
	// grpc.UnaryInterceptor(otelgrpc.UnaryServerInterceptor()),  <- remove: of an older otelgrpc
)

// either the middleware of the router or otelhttp, not both:
router.Use(otelgin.Middleware("search"))
http.ListenAndServe(addr, router) // not otelhttp.NewHandler(router, "server")`,
    },
  ],
  values: [],
  thresholds: [],
  fixed: [
    {
      what: 'pairs from which an operation is spoken of: entries',
      value: '5',
      constants: ['context-propagation/double-instrumentation.ts DECIDE_ENTRIES_FROM'],
      reason: 'A single pair may be a call of itself that nests by accident.',
    },
    {
      what: 'pairs from which an operation is spoken of: exits',
      value: '10',
      constants: ['context-propagation/double-instrumentation.ts DECIDE_EXITS_FROM'],
      reason: 'Calls in parallel, or a retry, may nest by accident.',
    },
    {
      what: 'share of the calls that must have a twin: entries (SERVER, CONSUMER)',
      value: '0.02',
      constants: ['context-propagation/double-instrumentation.ts entries'],
      reason: 'The parent proves two entries to be one call, so one of fifty instances is enough.',
    },
    {
      what: 'share of the calls that must have a twin: exits (CLIENT, PRODUCER)',
      value: '0.9',
      constants: ['context-propagation/double-instrumentation.ts exits'],
      reason: 'Calls in parallel look like twins, so nearly all must be.',
    },
    {
      what: 'how long the inner span lasts against the outer',
      value: '0.8 of it, or all but 1 ms',
      constants: [
        'context-propagation/double-instrumentation.ts NEARLY_AS_LONG',
        'context-propagation/double-instrumentation.ts HANDLER_NANO',
      ],
      reason: 'What is left is what handlers take.',
    },
  ],
  blindTo: [
    'Retries and redirects, which really are several calls: they follow each other and do not nest.',
    'Two handlers that name the span differently, unless both names are of one RPC: a client library over HTTP looks alike.',
    'Exits (CLIENT, PRODUCER) that nobody answers, or of which less than nine in ten have a twin: calls in parallel and retries look alike. Entries (SERVER, CONSUMER) are found from 2 % on, so that one of many instances is enough.',
  ],
  example: {
    recording: 'propagation',
    level: 'warn',
    cause: 'two_handlers',
    confidence: 0.95,
    causeConfidence: 0.95,
    service: 'cart',
    operation: 'shop.Cart/GetCart',
    occurrences: 56,
    population: 56,
    message: '56 of 56 calls "shop.Cart/GetCart" of cart make two SERVER or CONSUMER spans.',
    values: {},
  },
}
