import type { Rule } from '../rule.ts'

export const rule: Rule = {
  id: 'LIFE-005',
  name: 'impossible_times',
  levels: ['error'],
  detected: true,
  processor: 'span_lifetime',
  signals: ['traces'],
  reads:
    'start, end and event times of spans, against each other and against the arrival of the request that brought them',
  when: 'A span ends before it starts, starts ahead of now, lasts longer than any request can, or carries an event outside of its time.',
  meaning:
    'What this span says of time cannot be true, so every percentile and every critical path that includes it is wrong. A single span that lasts for years ruins an average.',
  drawing: `
    end_before_start   end ◄──────────── start
    in_the_future                         now │          ██████  start is 3 h ahead
    too_long           ██████████████████████████████████████▶   longer than an hour, no stream
    event_outside      █████████████     ✕ event after the end`,
  key: { operation: true, instance: false },
  occurrence: 'span with impossible times',
  population: { per: 'operation', what: 'spans of the operation' },
  evidence: '`span_id` is the span',
  causes: [
    {
      cause: 'end_before_start',
      means:
        'The span ends before it starts: the times come from two clocks, or from a wall clock that stepped back in between.',
      mend: 'Take both times from one source. In Go, leave them to the SDK, which measures with the monotonic clock; when you pass times yourself, do not mix time.Now() with times of another machine, and do not strip the monotonic reading (Round(0), UTC parsing) before subtracting.',
      go: `// the start of another machine, the end of this one:
_, span := tracer.Start(ctx, "job", trace.WithTimestamp(msg.EnqueuedAt))
span.End()
// say it as an attribute or an event instead:
_, span := tracer.Start(ctx, "job")
span.SetAttributes(attribute.Float64("queue.wait", time.Since(msg.EnqueuedAt).Seconds()))
defer span.End()`,
    },
    {
      cause: 'in_the_future',
      means:
        'The span starts after the gateway has received it: the clock of the machine is wrong, or the unit is (milliseconds or microseconds taken for nanoseconds).',
      mend: 'Check NTP on the node named in the resource. When all spans of one service are off by a factor of a thousand, it is the unit in hand-written export code.',
      go: `// OTLP has nanoseconds; hand-written exporters write them with UnixNano, not UnixMicro or UnixMilli
span.StartTimeUnixNano = uint64(start.UnixNano())

// times of your own come from the machine that measures them
_, span := tracer.Start(ctx, "job") // not trace.WithTimestamp(job.RunAt) of a job that is due tomorrow`,
      config: {
        where: 'On the node',
        language: 'sh',
        text: `timedatectl timesync-status   # or: chronyc tracking`,
      },
    },
    {
      cause: 'too_long',
      means:
        'The span lasts longer than a request can: a span that is kept for the life of a process, a loop or a connection, or a start time of zero.',
      mend: 'Give each piece of work its own span; a loop that runs for days is no span. Streams that are long by nature are exempt when they are recognised as streams.',
      go: `for msg := range messages {
	ctx, span := tracer.Start(context.Background(), "handle", trace.WithNewRoot())
	handle(ctx, msg)
	span.End() // in the loop, not deferred
}`,
    },
    {
      cause: 'event_outside',
      means:
        'An event lies outside of its span: it was added with a time of its own, or by a goroutine that goes on after End.',
      mend: 'Add events while the span is open and let the SDK take the time; what happens afterwards belongs to a span of its own.',
      go: `// while the span is open, with the time of now:
span.AddEvent("cache miss")
// not with a time of elsewhere:
span.AddEvent("enqueued", trace.WithTimestamp(msg.EnqueuedAt))
// that is an attribute:
span.SetAttributes(attribute.Float64("queue.wait", time.Since(msg.EnqueuedAt).Seconds()))`,
    },
  ],
  values: [
    { key: 'share', of: 'finding', unit: '1', means: 'occurrences among the spans of the operation' },
    { key: 'duration_seconds', of: 'evidence', unit: 's', means: 'end minus start, for end_before_start and too_long' },
    {
      key: 'ahead_seconds',
      of: 'evidence',
      unit: 's',
      means: 'how far the start is ahead of the gateway, for in_the_future',
    },
    {
      key: 'outside_seconds',
      of: 'evidence',
      unit: 's',
      means: 'how far the furthest event is outside of the span, for event_outside',
    },
  ],
  thresholds: [
    {
      key: 'future_tolerance',
      default: '60s',
      unit: 's',
      reason: 'Clocks without NTP are off by seconds; a minute is not drift any more.',
    },
    {
      key: 'max_duration',
      default: '1h',
      unit: 's',
      reason: 'No synchronous request lasts for an hour: proxies and clients give up long before.',
    },
    {
      key: 'tolerance',
      default: '2ms',
      unit: 's',
      reason: 'For events: some SDKs cut times to milliseconds.',
    },
  ],
  fixed: [
    { what: 'spans from which it is said', value: '1', constants: [], reason: 'Such times cannot be, not even once.' },
  ],
  blindTo: [
    'Times that are wrong but possible: a clock that is two seconds late shows as CLOCK-001 or not at all.',
    'Long spans that carry events, or of an HTTP connection that was handed over (status 101): they are taken for streams, which may be long.',
    'The gateway takes its own clock for right: when that is wrong, so is in_the_future.',
  ],
  example: {
    level: 'error',
    cause: 'end_before_start',
    confidence: 0.99,
    causeConfidence: 0.99,
    service: 'worker',
    operation: 'job',
    occurrences: 16,
    population: 5120,
    message: '16 of 5120 spans "job" of worker have impossible times: end before start.',
    values: { share: 0.003125 },
  },
}
