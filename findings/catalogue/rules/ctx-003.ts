import { type Rule, undetermined } from '../rule.ts'

export const rule: Rule = {
  id: 'CTX-003',
  name: 'context_dropped_in_process',
  levels: ['error'],
  detected: true,
  processor: 'context_propagation',
  signals: ['traces'],
  reads: 'roots by kind, the spans that the same service instance was serving at that time, links',
  when: 'A CLIENT, PRODUCER or INTERNAL span begins a trace in a service instance that was serving a request at that time.',
  meaning:
    'Inside one process the context was not handed from the request to the work it causes. The request looks shorter and poorer than it is, and the work it caused hangs nowhere.',
  drawing: `
    trace A   orders   POST /orders        ████████████████████    SERVER

    trace B   orders   POST /reserve           ███████             CLIENT, root  <- made while orders served trace A
                stock    POST /reserve          █████              fine, below it`,
  key: { operation: true, instance: false },
  occurrence: 'root that was made while a request was served',
  population: { per: 'operation', what: 'spans of that service and operation' },
  evidence:
    '`span_id` is the root, `related_span_id` the request that was being served, in the trace `request_trace_id`; of the first roots the request is not known',
  causes: [
    {
      cause: 'call_without_context',
      means:
        'The call is made without the context of the request: http.Get, http.NewRequest, or a context of another kind.',
      mend: 'Hand the context of the request to every call. With a framework that has its own context (gin, fiber, echo), take the one of the request.',
      go: `// loses it:
resp, err := client.Get(url)
// keeps it:
req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
resp, err := client.Do(req)

ctx := c.Request.Context() // gin
ctx := c.UserContext() // fiber v2, with otelfiber
ctx := c.Request().Context() // echo`,
    },
    {
      cause: 'detached_goroutine',
      means:
        'The work runs in a goroutine with context.Background(), most often so that it survives the end of the request.',
      mend: 'Keep the values and drop only the cancellation.',
      go: `go func() {
	// was: ctx := context.Background()
	ctx := context.WithoutCancel(ctx)
	audit(ctx, order)
}()`,
    },
    undetermined,
  ],
  values: [
    { key: 'root_share', of: 'finding', unit: '1', means: 'spans of the operation that begin a trace' },
    { key: 'request_trace_id', of: 'evidence', unit: '', means: 'the trace of the request that was being served' },
  ],
  thresholds: [],
  fixed: [
    {
      what: 'roots from which it is said',
      value: '5',
      constants: ['context-propagation/dropped-context/dropped-decision.ts MIN_DROPPED'],
      reason: 'Fewer fall inside requests by chance.',
    },
    {
      what: 'share of the roots that lie inside requests of their instance',
      value: '0.95; once said, it stands above 0.9',
      constants: [
        'context-propagation/dropped-context/dropped-decision.ts INSIDE',
        'context-propagation/dropped-context/dropped-decision.ts STILL_INSIDE',
      ],
      reason: 'Work of its own begins whether or not a request is served.',
    },
    {
      what: 'log-likelihood against chance',
      value: '14, a million to one',
      constants: ['context-propagation/dropped-context/dropped-decision.ts PROOF'],
      reason:
        'On an instance that serves half of the time it takes twenty-one roots that are all inside; one that hardly serves, five. Of an operation that most requests have as a step, only the requests that lack it count, if that tells more: then five may do in a busy one.',
    },
    {
      what: 'roots from which they are called honest',
      value: '10',
      constants: ['context-propagation/dropped-context/dropped-decision.ts MIN_HONEST'],
      reason: 'Then the requests of that service are no longer sampled.',
    },
    {
      what: 'intervals that make a timer; how many it takes to tell its rounds from those of its requests; how much of what a request is late its roots must be late',
      value: '0.1 apart; 10; 0.5, or all of it within 2 standard errors',
      constants: [
        'context-propagation/dropped-context/root-rhythm.ts EVEN',
        'context-propagation/dropped-context/root-rhythm.ts MIN_EVEN',
        'context-propagation/dropped-context/root-rhythm.ts TOGETHER',
        'context-propagation/dropped-context/root-rhythm.ts DEVIATIONS',
      ],
      reason:
        'All rounds of a timer lie within requests that another timer of the same period makes, or none: that is chance once, not each time.',
    },
  ],
  blindTo: [
    'Work that really is of its own: cron jobs, queue pollers, health checks. When such spans also appear while no request is served, the rule is silent.',
    'Fewer than five such roots; and instances that serve all the time, unless most of their requests make the same step with its context, or as many roots as requests of one operation come, second by second.',
    'Roots in requests that come by a timer, until ten of them have shown that they are late when the request is.',
    'Requests of more than ten seconds: their span comes too late to be compared.',
    'Instances with more spans than can be sampled (`max_samples` a second); and, of SDKs that set no span kinds, operations that were never seen below a span of their own service.',
    'Roots with a link: whoever linked has thought of it.',
  ],
  example: {
    recording: 'propagation',
    level: 'error',
    cause: 'detached_goroutine',
    confidence: 0.95,
    causeConfidence: 0.95,
    service: 'cart',
    operation: 'cart.recalculate',
    occurrences: 21,
    population: 21,
    message: '21 of 21 spans "cart.recalculate" of cart begin a new trace although cart was serving a request.',
    values: { root_share: 1 },
  },
}
