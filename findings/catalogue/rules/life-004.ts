import type { Rule } from '../rule.ts'

export const rule: Rule = {
  id: 'LIFE-004',
  name: 'work_after_cancel',
  levels: ['error'],
  detected: true,
  processor: 'span_lifetime',
  signals: ['traces'],
  reads: 'status and end of the caller, end of the callee, gRPC and HTTP status codes',
  when: 'The caller ended cancelled or timed out, and the callee worked on for more than the grace.',
  meaning:
    'The callee does work whose answer nobody will read. Under load this is how a slow service becomes a dead one: each retry adds work, none is taken away.',
  drawing: `
    frontend   GET /report    ██████████ ✕ DEADLINE_EXCEEDED after 1 s
      reports    Report/Build   ████████████████████████████████   8 s more  <- for nobody`,
  key: { operation: true, instance: false },
  occurrence: 'call that worked on after it was cancelled',
  population: { per: 'operation', what: 'spans of the callee operation' },
  evidence: "`span_id` is the callee's span, `related_span_id` the caller's",
  causes: [
    {
      cause: 'cancellation_ignored',
      means:
        'The handler does not look at its context: long loops, queries without context, a context that was replaced.',
      mend: 'Hand the context down to every query and call, and look at it in loops.',
      go: `rows, err := db.QueryContext(ctx, query) // not db.Query
if err != nil {
	return err
}
defer rows.Close()
for rows.Next() {
	if err := ctx.Err(); err != nil {
		return err // the caller has gone
	}
	report.add(rows)
}
return rows.Err()

// waiting: never without a way out
select {
case result := <-results:
	return use(result)
case <-ctx.Done():
	return ctx.Err()
}`,
    },
  ],
  values: [
    { key: 'share', of: 'finding', unit: '1', means: 'occurrences among the spans of the operation' },
    { key: 'overrun_seconds', of: 'evidence', unit: 's', means: 'how long the callee worked on' },
  ],
  thresholds: [
    {
      key: 'cancel_grace',
      default: '1s',
      unit: 's',
      reason: 'A handler needs a moment to notice and to tidy up; a second is plenty.',
    },
  ],
  fixed: [
    {
      what: 'calls from which it is said',
      value: '1',
      constants: [],
      reason: 'One call that works on for a second after its end is one too many.',
    },
  ],
  blindTo: [
    'Work that goes on by design after a cancelled call (a payment that must be finished): name its operation in `detached_operations`, else it is reported.',
    'Callers whose spans do not say how they ended: that is LIFE-006. Callers that were answered with an error of their callee have not given up: what goes on then is LIFE-001.',
    'Calls between two clocks whose offset is not known, unless the callee lasted longer than its caller by more than the grace.',
  ],
  example: {
    recording: 'lifetime',
    level: 'error',
    cause: 'cancellation_ignored',
    confidence: 0.95,
    causeConfidence: 0.95,
    service: 'checkout',
    operation: 'GET /quotes',
    edge: { from: 'edge', to: 'checkout', boundary: 'http' },
    occurrences: 6,
    population: 18,
    message: '6 of 18 spans "GET /quotes" of checkout worked on long after their caller had given up.',
    values: { share: 0.3333333333333333 },
  },
}
