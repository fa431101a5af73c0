import type { Rule } from '../rule.ts'

export const rule: Rule = {
  id: 'LIFE-003',
  name: 'ended_too_early',
  levels: ['error'],
  detected: true,
  processor: 'span_lifetime',
  signals: ['traces'],
  reads: 'durations of an operation, of the work below it, and of the call that waited for it',
  when: 'At least four in five spans of an operation, and ten, report less than half of the time that their work took: until their children ended, or until their caller had its answer.',
  meaning:
    'The latency of this operation is a fiction. Dashboards show a millisecond where users wait a second; alerts on it will never fire.',
  drawing: `
    caller    POST /export      ██████████████████████████   waits 900 ms
      worker    POST /export      █                          SERVER, 3 ms  <- ended, the work had only begun
        worker    write file       ███████████████████████`,
  key: { operation: true, instance: false },
  occurrence: 'span that ended long before its work',
  population: { per: 'operation', what: 'spans of that service and operation' },
  evidence:
    '`span_id` is the span that ended early, `related_span_id` the work that ended last (for ended_before_response the caller)',
  causes: [
    {
      cause: 'ended_before_async_work',
      means: 'The span is ended where the work is started, not where it is done.',
      mend: 'End the span in the goroutine that does the work, or wait for it.',
      go: `ctx, span := tracer.Start(ctx, "export")
go func() {
	defer span.End() // here, not in the function that starts it
	export(ctx)
}()`,
    },
    {
      cause: 'ended_before_response',
      means:
        'The handler has returned, or the stream is handed out, while the answer is still being written: streams, hijacked connections, server-sent events.',
      mend: 'End the span when the last byte is out or the stream is closed; an instrumentation that cannot should be replaced by a span of your own.',
      go: `// the span ends with the body that is handed out, not with the function that opens it
type tracedBody struct {
	io.ReadCloser
	span trace.Span
}

func (body *tracedBody) Close() error {
	defer body.span.End()
	return body.ReadCloser.Close()
}

func Download(ctx context.Context, name string) (io.ReadCloser, error) {
	ctx, span := tracer.Start(ctx, "download")
	body, err := open(ctx, name)
	if err != nil {
		span.End()
		return nil, err
	}
	return &tracedBody{body, span}, nil
}`,
    },
  ],
  values: [
    { key: 'share', of: 'finding', unit: '1', means: 'occurrences among the spans of the operation' },
    { key: 'reported_p50_seconds', of: 'finding', unit: 's', means: 'median duration as the spans report it' },
    {
      key: 'effective_p50_seconds',
      of: 'finding',
      unit: 's',
      means: 'median duration with the work that belongs to them',
    },
    { key: 'reported_p99_seconds', of: 'finding', unit: 's', means: 'the same at the 99th percentile, as reported' },
    { key: 'effective_p99_seconds', of: 'finding', unit: 's', means: 'the same with the work that belongs to them' },
    { key: 'missing_seconds', of: 'evidence', unit: 's', means: 'from the end of the span to the end of its work' },
  ],
  thresholds: [],
  fixed: [
    {
      what: 'early spans of an operation, and their share',
      value: '10, and 0.8',
      constants: ['span-lifetime/early-operations.ts MIN_EARLY', 'span-lifetime/early-operations.ts PERSISTENT'],
      reason: 'A single early end is an accident; this is about operations whose latency is never true.',
    },
    {
      what: 'effective against reported time of each',
      value: '2 times, and 0.1 ms more',
      constants: [
        'span-lifetime/lifetime-observer.ts MIN_RATIO',
        'span-lifetime/lifetime-observer.ts MIN_MISSING_NANO',
      ],
      reason: 'Less than half of the work is shown; below a tenth of a millisecond nobody looks.',
    },
    {
      what: 'for ended_before_response, wait after the end of the callee against the wait before its start',
      value: '4 times',
      constants: ['span-lifetime/lifetime-observer.ts MIN_END_GAP_RATIO'],
      reason: 'A slow network delays both ways; only an early end delays one.',
    },
  ],
  blindTo: [
    'Work that makes no spans and that nobody waits for.',
    'Operations that answer early by design (202 Accepted): name the work that goes on in `detached_operations`.',
    'A caller that keeps its own span open after the answer (a response body that is closed late) looks like ended_before_response, which is therefore less sure.',
    'ended_before_response between two clocks whose offset is not known.',
  ],
  example: {
    recording: 'lifetime',
    level: 'error',
    cause: 'ended_before_async_work',
    confidence: 0.95,
    causeConfidence: 0.95,
    service: 'checkout',
    operation: 'order.publish',
    occurrences: 30,
    population: 30,
    message:
      '30 of 30 spans "order.publish" of checkout end long before their work: 0.046 ms reported, 11 ms effective.',
    values: {
      share: 1,
      reported_p50_seconds: 0.000046,
      effective_p50_seconds: 0.0113,
      reported_p99_seconds: 0.000131,
      effective_p99_seconds: 0.0175,
    },
  },
}
