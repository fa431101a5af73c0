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
  causes: [
    {
      cause: 'two_handlers',
      means:
        'Two instrumentations wrap the same call: interceptor and stats handler, middleware and otelhttp, or a library and an agent.',
      mend: 'Keep one. For gRPC that is the stats handler, which otelgrpc recommends over its interceptors.',
      go: `srv := grpc.NewServer(
	grpc.StatsHandler(otelgrpc.NewServerHandler()),
	// grpc.UnaryInterceptor(otelgrpc.UnaryServerInterceptor()),  <- remove
)`,
    },
  ],
  values: [],
  thresholds: [],
  blindTo: [
    'Retries and redirects, which really are several calls: they follow each other and do not nest.',
    'Two handlers that name the span differently, unless both names are of one RPC: a client library over HTTP looks alike.',
    'CLIENT twins of calls that nobody answers, and twins of less than nine in ten calls.',
  ],
  example: {
    level: 'warn',
    cause: 'two_handlers',
    confidence: 0.97,
    causeConfidence: 0.95,
    service: 'search',
    operation: 'search.Search/Nearby',
    occurrences: 1000,
    population: 1000,
    message: '1000 of 1000 calls "search.Search/Nearby" of search make two SERVER spans.',
    values: {},
  },
}
