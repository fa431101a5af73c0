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
  causes: [
    {
      cause: 'parent_not_exported',
      means:
        'An intermediary (mesh sidecar, load balancer, proxy) makes spans and passes their ids on, but exports nothing.',
      mend: 'Give the proxy a tracing exporter that sends to this gateway, or switch its tracing off so that it passes traceparent through untouched. Nothing is wrong in the Go services on either side.',
    },
    {
      cause: 'parent_dropped',
      means: 'One instance lost spans for a while: its export queue overflowed, or it ended without flushing.',
      mend: 'Flush on shutdown, and size the queue of the batch processor for the bursts of that service.',
      go: `tp := sdktrace.NewTracerProvider(
	sdktrace.WithBatcher(exporter,
		sdktrace.WithMaxQueueSize(8192), // 2048 by default; what does not fit is dropped silently
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
  ],
  blindTo: [
    'Traces that left the window early for lack of memory, and traces that were already on their way when the gateway started: they are counted as unknown.',
    'Parents that went to another gateway: when parents and children are missing alike on all edges, GW-001 says so and this rule is silent.',
    'Services whose callers were never seen at all, which may send their spans elsewhere: their orphans are reported only where the call that an intermediary cut is here, or where the whole trace hangs below the orphan. Callers that are known to send elsewhere: expected_elsewhere.',
    'Spans that only look like roots because the context was lost: that is CTX-002 and CTX-003.',
  ],
  example: {
    level: 'error',
    cause: 'parent_never_ended',
    confidence: 0.99,
    causeConfidence: 0.85,
    service: 'flagd',
    operation: 'flagd.evaluation.v1.Service/EventStream',
    occurrences: 41,
    population: 41,
    message: '41 of 41 spans "flagd.evaluation.v1.Service/EventStream" of flagd name a parent that never arrived.',
    values: { orphaned_share: 1, local_parents: 0 },
  },
}
