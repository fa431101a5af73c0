import type { Rule } from '../rule.ts'

export const rule: Rule = {
  id: 'CTX-005',
  name: 'wrong_parent',
  levels: ['error'],
  detected: true,
  processor: 'context_propagation',
  signals: ['traces'],
  reads: 'parents, times of parent and child, pairs of span names, how the starts of spans are spaced',
  when: 'The parent that a span names is one that this work cannot belong to.',
  meaning:
    'The trace looks whole, and is wrong: work hangs below a step that had nothing to do with it. Critical paths and breakdowns by step mislead.',
  drawing: `
    checkout   POST /checkout      ██████████████████████████
      checkout   load cart           █████                        ended
        checkout   charge card             ████████████           parent = load cart  <- its sibling
      checkout   send mail                             ████`,
  key: { operation: true, instance: false },
  occurrence: 'span below a parent that it cannot belong to',
  population: { per: 'operation', what: 'spans of that service and operation that have a parent' },
  evidence: '`span_id` is the span below the wrong parent, `related_span_id` that parent',
  causes: [
    {
      cause: 'sibling_parent',
      means: 'The context of one step is handed to the next: ctx was overwritten where the step began.',
      mend: 'Do not shadow the context of the parent with that of a step; give each step its own scope.',
      go: `// wrong: the second step begins below the first
ctx, load := tracer.Start(ctx, "load cart")
load.End()
ctx, charge := tracer.Start(ctx, "charge card")

// right: what follows takes the context of the parent, not that of the step
loadCtx, load := tracer.Start(ctx, "load cart")
items, err := cart.Load(loadCtx)
load.End()
chargeCtx, charge := tracer.Start(ctx, "charge card")`,
    },
    {
      cause: 'context_reused',
      means:
        'A loop, a cron job or a pool keeps one context for its whole life, so that everything it does hangs below one old span; or requests use the context of the one before.',
      mend: 'Begin a trace for each round, from a context without a span; take the context of a request from the request, not from a field of the handler.',
      go: `for range ticker.C {
	ctx, span := tracer.Start(context.Background(), "sync prices", trace.WithNewRoot())
	sync(ctx)
	span.End()
}`,
    },
  ],
  values: [
    {
      key: 'gap_seconds',
      of: 'evidence',
      unit: 's',
      means: 'from the end of the claimed parent to the start of the span',
    },
    {
      key: 'request_trace_id',
      of: 'evidence',
      unit: '',
      means: 'the trace of the request that was being served, where requests use the context of the one before',
    },
  ],
  thresholds: [
    {
      key: 'min_occurrences',
      default: '5',
      unit: '{span}',
      reason: 'Now and then a span of asynchronous work looks like a step after its parent.',
    },
  ],
  fixed: [
    {
      what: 'share of the spans below a sibling that may be there rightfully',
      value: '0.1',
      constants: ['context-propagation/wrong-parent/wrong-parent-judge.ts RIGHTFUL'],
      reason: 'Work that is handed over begins when it will, at times before its parent has ended.',
    },
    {
      what: 'spans below one ended parent, the time from its end, and the longest pause as a share of it, that make a kept context',
      value: '5 in 10 s, less than 0.5',
      constants: [
        'context-propagation/wrong-parent/ended-parents.ts REUSED_CHILDREN',
        'context-propagation/wrong-parent/ended-parents.ts REUSED_OVER_MS',
        'context-propagation/wrong-parent/ended-parents.ts BACKOFF',
      ],
      reason: 'Retries and polling after a response are fewer or sooner done, or wait twice as long each time.',
    },
    {
      what: 'spans that begin after the request that they name and lie inside another one, and the chance that they would anyway, to call its context used again',
      value: '0.95, e^-14',
      constants: [
        'context-propagation/dropped-context/dropped-decision.ts INSIDE',
        'context-propagation/dropped-context/dropped-decision.ts PROOF',
      ],
      reason:
        'Asynchronous work goes on when it will; that it lies within other requests is chance, one in a million here.',
    },
  ],
  blindTo: [
    'A wrong parent that is still open when the span starts looks like a right one.',
    'Asynchronous work below its real origin: that is LIFE-001 and LIFE-002. A step is taken to be below its sibling only if nine in ten of them begin after their parent, and one ancestor waited for each and began nothing else meanwhile.',
    'A few steps below many siblings, of an operation that is rightfully below still others: it may be handed over.',
    'A parent that was ended at once and did no work of its own: that is LIFE-003.',
    'A kept context of less than five spans or ten seconds, or of which ever new ones come: polling after a response, say.',
    'A loop whose rounds are further apart than the memory of the trace window (`late_grace`), from its first round on: its rounds are orphans.',
    'Steps of a request that hang below the one before, in a process that is always busy, if most of them do: they lie inside another request then, whoever began them, as asynchronous work does.',
  ],
  example: {
    recording: 'propagation',
    level: 'error',
    cause: 'sibling_parent',
    confidence: 0.99,
    causeConfidence: 0.99,
    service: 'checkout',
    operation: 'order.price',
    occurrences: 34,
    population: 34,
    message: '34 of 34 spans "order.price" of checkout hang below "order.validate", which had ended before they began.',
    values: {},
  },
}
