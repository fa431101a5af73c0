import { type Rule, undetermined } from '../rule.ts'

export const rule: Rule = {
  id: 'CTX-001',
  name: 'orphan_span',
  levels: ['error'],
  detected: true,
  processor: 'context_propagation',
  signals: ['traces'],
  reads: 'trace, span and parent ids, the flag that says whether a parent is remote, span names, kinds',
  when: 'A span names a parent that is not in its trace when the window closes (provisional), nor when the grace for late spans has passed (confirmed).',
  meaning:
    'The trace is torn: everything below the span hangs in the air. Backends draw it as a second root or hide it, and its duration is missing in what led to it. Someone made the parent id, so context did arrive; it is the parent itself that never came.',
  drawing: `
    frontend   GET /cart                 ████████████████████████  root
      (span 9f3c…: nobody ever sent it)  ┊                      ┊
        cart     Cart/GetItems             ██████████████          parent = 9f3c…  <- orphan
          redis    HGETALL                   ████                  fine, below the orphan`,
  key: { operation: true, instance: false },
  occurrence: 'span whose parent never arrived',
  population: { per: 'operation', what: 'spans of that service and operation that have a parent id' },
  evidence: '`span_id` is the orphan, `related_span_id` the parent that is missing',
  causes: [
    {
      cause: 'parent_not_exported',
      means:
        'An intermediary (mesh sidecar, load balancer, proxy) makes spans and passes their ids on, but exports nothing.',
      mend: 'Give the proxy a tracing exporter that sends to this gateway, or switch its tracing off so that it passes traceparent through untouched. Nothing is wrong in the Go services on either side, unless the proxy is a Go service of yours: then wrap it, and start a tracer provider in it.',
      go: `// a reverse proxy of your own: a span for what comes in, one for what goes out, and both are exported
proxy := httputil.NewSingleHostReverseProxy(backend)
proxy.Transport = otelhttp.NewTransport(http.DefaultTransport)
http.Handle("/", otelhttp.NewHandler(proxy, "proxy"))`,
      config: {
        where: 'In Envoy',
        language: 'yaml',
        text: `# in the http_connection_manager; without a provider, leave tracing out and headers pass untouched
tracing:
  provider:
    name: envoy.tracers.opentelemetry
    typed_config:
      "@type": type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig
      grpc_service: { envoy_grpc: { cluster_name: blindspot } } # port 4317 of this gateway
      service_name: edge-proxy`,
      },
    },
    {
      cause: 'parent_dropped',
      means: 'One instance lost spans for a while: its export queue overflowed, or it ended without flushing.',
      mend: 'Flush on shutdown, and size the queue of the batch processor for the bursts of that service.',
      go: `tp := sdktrace.NewTracerProvider(
	sdktrace.WithBatcher(exporter,
		sdktrace.WithMaxQueueSize(8192), // 2048 by default; what does not fit is dropped
	),
)
defer func() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = tp.Shutdown(ctx) // sends what is still queued
}()`,
    },
    {
      cause: 'sampling_mismatch',
      means:
        'The two sides of an edge decide on their own which traces to keep, so a steady share of parents is missing.',
      mend: 'Decide once, at the root, and follow that decision everywhere else.',
      go: `sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(0.1)))`,
    },
    {
      cause: 'parent_never_ended',
      means:
        'The missing parent is always the same operation: a span that is started and never ended, most often a stream that is never read to its end.',
      mend: 'End the span on every path. For gRPC client streams, read until io.EOF or cancel the context of the stream: the instrumentation ends the span only then.',
      go: `ctx, cancel := context.WithCancel(ctx)
defer cancel() // ends the stream and with it its span
stream, err := client.Watch(ctx, req)
if err != nil {
	return err
}
for {
	event, err := stream.Recv()
	if err != nil { // io.EOF included
		break
	}
	handle(event)
}`,
    },
    undetermined,
  ],
  values: [
    {
      key: 'orphaned_share',
      of: 'finding',
      unit: '1',
      means: 'orphans among the spans of the operation that have a parent id',
    },
    {
      key: 'local_parents',
      of: 'finding',
      unit: '{span}',
      means: 'orphans whose parent is known to be in the same process',
    },
  ],
  thresholds: [
    {
      key: 'late_grace',
      default: '60s',
      unit: 's',
      reason: 'SDKs export every 5 s and retry for up to a minute; what has not come by then is not coming.',
    },
    {
      key: 'provisional_after',
      default: '10s',
      unit: 's',
      reason:
        'An SDK exports every 5 s and an agent behind it batches for up to 10 s, of which the window waits for the first 6: a healthy trace gets its last spans then.',
    },
    {
      key: 'longest_parent',
      default: '10m',
      unit: 's',
      reason:
        'A job or a stream that makes spans for minutes is exported when it ends: as long as new ones come, it is most likely still running. After that time it is one that never ends. Where fewer come than one in a late_grace they are confirmed, and taken back when it comes within that time.',
    },
  ],
  fixed: [
    {
      what: 'how sure a provisional finding is: spans that had their parent in time and a prior, of the same and those whose parent came late and a prior',
      value: '5, 5.5',
      constants: [
        'context-propagation/orphan-span/orphan-judge.ts PRIOR_STAYING',
        'context-propagation/orphan-span/orphan-judge.ts PRIOR_ORPHANS',
      ],
      reason:
        'Of orphans of which nothing else is known one in eleven is taken back. With twenty spans in time it is 0.98, after one late parent and nothing in time 0.77, and nothing is said before the grace has passed; a confirmed finding says 0.99, and less the more of its orphans have been taken back.',
    },
    {
      what: 'orphans that stayed, against which those count whose parents came after provisional_after',
      value: '9',
      constants: ['context-propagation/orphan-span/orphan-judge.ts PRIOR_LASTING'],
      reason:
        'Parents that last for long, as jobs do, come when they end, again and again: the second time it is 0.9 as sure, the fourth time 0.75, and nothing is said before the grace has passed.',
    },
    {
      what: 'orphans from which a share is called a mismatch of sampling',
      value: '5',
      constants: ['context-propagation/orphan-span/orphan-cause.ts DECIDE_FROM'],
      reason: 'With fewer, a share says nothing; the finding is there before, as `undetermined`.',
    },
    {
      what: 'traces that count against a parent that never ends',
      value: '1',
      constants: ['context-propagation/orphan-span/orphan-cause.ts IN_A_ROW'],
      reason:
        'A cause is as sure as the number of traces that bear it out allows (two: 0.83, ten: 0.95), since spans of one trace lose their parents together. Of spans lost at random a few in a row look like all.',
    },
    {
      what: 'how sure a cause must be to outlast the trouble, when its share fades in what is healthy since',
      value: '0.95',
      constants: ['context-propagation/orphan-span/orphan-judge.ts LASTING'],
      reason: 'A cause from less evidence gives way to what is seen later.',
    },
    {
      what: 'share of orphans that counts as all, and as none',
      value: '0.98, 0.02',
      constants: [
        'context-propagation/orphan-span/orphan-cause.ts ALL',
        'context-propagation/orphan-span/orphan-cause.ts NONE',
      ],
      reason: 'A few traces are always cut by restarts.',
    },
    {
      what: 'spans of sibling operations that are compared with',
      value: '5',
      constants: ['context-propagation/orphan-span/orphan-cause.ts ENOUGH'],
      reason: 'Fewer are no evidence that the siblings are whole.',
    },
    {
      what: 'orphans that must tell the same of where their parent is (between a call and its callee, or in a service that is seen)',
      value: '0.9',
      constants: ['context-propagation/orphan-span/orphan-cause.ts MOST'],
      reason: 'Pieces of traces that came apart tell nothing, and clocks hide a few.',
    },
    {
      what: 'slices of time in which traces with and without orphans are counted',
      value: '2 s',
      constants: ['context-propagation/orphan-span/orphan-history.ts SLICE_MS'],
      reason:
        'Shorter than the pause between two crashes of a process; counted from the first orphan of an operation on.',
    },
    {
      what: 'by how much the odds of a burst, or of one instance, are taken for smaller than they are',
      value: '2',
      constants: ['context-propagation/orphan-span/orphan-cause.ts LOOKS'],
      reason:
        'It is asked again each second, mostly of the same orphans, and now and then chance makes it look so: the odds against a steady share, after what it takes to say when each burst begins and ends, must be 8 to one for a confidence of 0.8, and 200 to one for 0.99.',
    },
    {
      what: 'how long after its first trace a slice of time, or what one instance sent, counts',
      value: '15 s',
      constants: ['context-propagation/orphan-span/orphan-history.ts SETTLED_AFTER_MS'],
      reason:
        'What is whole leaves the window at once, what is not after an export (5 s) and a wait for its parents (6 s).',
    },
    {
      what: 'how long spans that had their parents before must miss them all to count as all',
      value: '30 s',
      constants: ['context-propagation/orphan-span/orphan-cause.ts LONGEST_BURST_MS'],
      reason: 'An export that hangs is given up after that long; a burst looks alike until then.',
    },
    {
      what: 'answers without a call, by calls without an answer, from and up to which such calls are known not to have left the services that are seen',
      value: '0.9, 3',
      constants: [
        'context-propagation/partial-view/open-calls.ts ANSWERS_FROM',
        'context-propagation/partial-view/open-calls.ts ANSWERS_UNTIL',
      ],
      reason:
        'Answers that lost their context are known before their calls have waited; many more are requests from outside.',
    },
    {
      what: 'share of the orphans of an operation whose traces must have no head here, and operations with such orphans, from which their parents may be elsewhere',
      value: '0.7, 2',
      constants: [
        'context-propagation/partial-view/headless-orphans.ts MOST',
        'context-propagation/partial-view/headless-orphans.ts SEVERAL',
      ],
      reason:
        'Of most orphans nothing else is known then. A service that sends elsewhere calls several operations; one alone is a stream that never ends.',
    },
    {
      what: 'share of headless orphans that stand beside others in their trace, from which it is no intermediary before the first service',
      value: '0.05',
      constants: ['context-propagation/partial-view/headless-orphans.ts BESIDE'],
      reason: 'An intermediary makes one call for each that it gets.',
    },
    {
      what: 'share of the orphans of an operation amid calls to a service that is not seen, from which their parents may be elsewhere; and orphans by such calls that look like an intermediary instead',
      value: '0.7; 0.9 to 1.1',
      constants: [
        'context-propagation/partial-view/calls-out-of-sight.ts MOST',
        'context-propagation/partial-view/calls-out-of-sight.ts ONE_EACH_FROM',
        'context-propagation/partial-view/calls-out-of-sight.ts ONE_EACH_UNTIL',
      ],
      reason: 'Of most orphans nothing else is known then. An intermediary passes on the same RPC, one call for each.',
    },
  ],
  blindTo: [
    'Traces that left the window early for lack of memory, and traces that were already on their way when the gateway started: they are counted as unknown.',
    'Parents that went to another gateway: when parents and children are missing alike on all edges, GW-001 says so and this rule is silent.',
    'Services whose callers were never seen at all, which may send their spans elsewhere: their orphans are reported only where the call that an intermediary cut is here, where the whole trace hangs below the orphan, or where no call was under way that could have left the services that are seen. Callers that are known to send elsewhere: expected_elsewhere.',
    'A service of which nothing is seen, called by one that is: what it calls in turn may as well be whole at another gateway. Orphans that begin while such a call is under way are reported only where it looks like the work of an intermediary.',
    'A first service of which one process exports nothing looks like one that sends elsewhere: where neither the root nor another span of a process that lost some is in the trace, orphans are reported only in bursts, below an intermediary before the first service, or of a single operation.',
    'Spans that only look like roots because the context was lost: that is CTX-002 and CTX-003.',
    'Orphans whose trace id looks cut to 64 bits, where others have 128: they may be CTX-004, so nothing is said of them before their grace has passed.',
  ],
  example: {
    recording: 'lifetime',
    level: 'error',
    cause: 'parent_never_ended',
    confidence: 0.99,
    causeConfidence: 0.91,
    service: 'inventory',
    operation: 'Recv.shop.Inventory.Watch',
    occurrences: 14,
    population: 14,
    message: '14 of 14 spans "Recv.shop.Inventory.Watch" of inventory name a parent that never arrived.',
    values: { orphaned_share: 1, local_parents: 0 },
  },
}
