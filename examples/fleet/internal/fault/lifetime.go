package fault

// nodeB lists the processes on the second virtual host, whose clock can be wrong.
var nodeB = []string{"cart-2", "inventory", "payment", "shipping"}

// Spans that do not tell when the work was done, and clocks that disagree.
var (
	AsyncAfterEnd = add(Fault{
		Name: "async_after_end", Family: Lifetime, At: []string{"payment"},
		What: "a third of payment's calls leave a goroutine with the request's ctx: one span outlives the call, one starts after it",
		Expect: []Expect{
			{Rule: "LIFE-001", Cause: "asynchronous_work", Service: "payment", Operation: "receipt.render"},
			{Rule: "LIFE-002", Cause: "asynchronous_work", Service: "payment", Operation: "receipt.mail"},
		},
	})
	SpanEndedEarly = add(Fault{
		Name: "span_ended_early", Family: Lifetime, At: []string{"checkout"},
		What:   "checkout ends order.publish at once, while its asynchronous producer still waits for the broker",
		Expect: []Expect{{Rule: "LIFE-003", Cause: "ended_before_async_work", Service: "checkout", Operation: "order.publish"}},
	})
	StreamNeverEnded = add(Fault{
		Name: "stream_never_ended", Family: Lifetime, At: []string{"edge"},
		What:   "edge reads three messages of a stream and neither drains nor cancels it: its CLIENT span never ends",
		Expect: []Expect{{Rule: "CTX-001", Cause: "parent_never_ended", Service: "inventory"}},
	})
	CancelIgnored = add(Fault{
		Name: "cancel_ignored", Family: Lifetime, At: []string{"edge", "checkout", "inventory"},
		What: "callers give up after 150 ms; checkout's GET /quotes (HTTP) and inventory's Reserve (gRPC) work on for 1.6 s",
		Expect: []Expect{
			{Rule: "LIFE-004", Cause: "cancellation_ignored", Service: "checkout", Edge: edgeCheckout},
			{Rule: "LIFE-004", Cause: "cancellation_ignored", Service: "inventory", Edge: checkoutInventory},
		},
	})
	ClockSkew = add(Fault{
		Name: "clock_skew", Family: Lifetime, Value: "5ms", At: nodeB,
		What:   "the clock of node-b is ahead by a constant",
		Expect: []Expect{{Rule: "CLOCK-001", Cause: "steady"}},
		Note:   "an exporter shifts all times, as a wrong clock of that host would",
	})
	ClockDrift = add(Fault{
		Name: "clock_drift", Family: Lifetime, Value: "200ppm", At: nodeB,
		What:   "the clock of node-b runs fast",
		Expect: []Expect{{Rule: "CLOCK-001", Cause: "drifting"}},
		Note:   "an exporter shifts all times, as a wrong clock of that host would",
	})
	ClockStep = add(Fault{
		Name: "clock_step", Family: Lifetime, Value: "20ms", At: nodeB,
		What:   "the clock of node-b jumps ahead when the fault is switched on",
		Expect: []Expect{{Rule: "CLOCK-002", Cause: "step"}},
		Note:   "give it a window (clock_step@15s): a step needs a time before and a time after",
	})
)
