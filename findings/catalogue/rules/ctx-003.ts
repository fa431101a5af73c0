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
ctx := c.UserContext()     // fiber, with otelfiber
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
  values: [{ key: 'root_share', of: 'finding', unit: '1', means: 'spans of the operation that begin a trace' }],
  thresholds: [],
  blindTo: [
    'Work that really is of its own: cron jobs, queue pollers, health checks. When such spans also appear while no request is served, the rule is silent.',
    'Fewer than six such roots, those of the first seconds (requests are sampled from the first root on), and instances that serve all the time, unless as many roots as requests of one operation come, second by second.',
    'Requests of more than ten seconds: their span comes too late to be compared.',
    'Instances with more spans than can be sampled (`max_samples` a second), and SDKs that set no span kinds.',
    'Roots with a link: whoever linked has thought of it.',
  ],
  example: {
    level: 'error',
    cause: 'call_without_context',
    confidence: 0.93,
    causeConfidence: 0.9,
    service: 'orders',
    operation: 'POST /reserve',
    occurrences: 480,
    population: 480,
    message: '480 of 480 spans "POST /reserve" of orders begin a new trace although orders was serving a request.',
    values: { root_share: 1 },
  },
}
