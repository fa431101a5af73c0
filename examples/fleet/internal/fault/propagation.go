package fault

// Edges of the fleet, as the gateway names them.
var (
	edgeCart          = &Edge{"edge", "cart", "grpc"}
	edgeCheckout      = &Edge{"edge", "checkout", "http"}
	edgeInventory     = &Edge{"edge", "inventory", "grpc"}
	checkoutInventory = &Edge{"checkout", "inventory", "grpc"}
	checkoutPayment   = &Edge{"checkout", "payment", "http"}
	checkoutShipping  = &Edge{"checkout", "shipping", "messaging"}
	shippingInventory = &Edge{"shipping", "inventory", "grpc"}
)

// lost is a CTX-002 on an edge.
func lost(edge *Edge, cause string, accept ...string) Expect {
	return Expect{Rule: "CTX-002", Cause: cause, Accept: accept, Service: edge.To, Edge: edge}
}

// Context that breaks between or inside services.
var (
	NoPropagator = add(Fault{
		Name: "no_propagator", Family: Propagation, At: []string{"edge"},
		What:   "edge has no TextMapPropagator (the default of the API): it injects nothing into any call",
		Expect: []Expect{lost(edgeCart, "caller_does_not_inject"), lost(edgeCheckout, "caller_does_not_inject"), lost(edgeInventory, "caller_does_not_inject")},
	})
	NoExtract = add(Fault{
		Name: "no_extract", Family: Propagation, At: []string{"inventory"},
		What:   "inventory does not read the incoming context: every call that it serves starts a trace",
		Expect: []Expect{lost(edgeInventory, "callee_does_not_extract"), lost(checkoutInventory, "callee_does_not_extract"), lost(shippingInventory, "callee_does_not_extract")},
	})
	RequestWithoutCtx = add(Fault{
		Name: "request_without_ctx", Family: Propagation, At: []string{"checkout"},
		What:   "checkout calls payment with http.NewRequest, without the request's context",
		Expect: []Expect{{Rule: "CTX-003", Cause: "call_without_context", Accept: []string{"detached_goroutine"}, Service: "checkout"}},
	})
	DetachedGoroutine = add(Fault{
		Name: "detached_goroutine", Family: Propagation, At: []string{"cart-1", "cart-2"},
		What:   "cart starts a goroutine with context.Background() while it serves AddItem",
		Expect: []Expect{{Rule: "CTX-003", Cause: "detached_goroutine", Accept: []string{"call_without_context"}, Service: "cart", Operation: "cart.recalculate"}},
	})
	ProxyNewParent = add(Fault{
		Name: "proxy_new_parent", Family: Propagation, At: []string{"proxy"},
		What:   "the proxy before checkout makes a parent id of its own for each request and exports no span",
		Expect: []Expect{{Rule: "CTX-001", Cause: "parent_not_exported", Service: "checkout"}},
	})
	ProxyStrip = add(Fault{
		Name: "proxy_strip", Family: Propagation, At: []string{"proxy"},
		What:   "the proxy before checkout drops traceparent on the route /quotes only",
		Expect: []Expect{{Rule: "CTX-002", Cause: "stripped_on_the_way", Service: "checkout", Operation: "GET /quotes", Edge: edgeCheckout}},
	})
	FormatMismatch = add(Fault{
		Name: "format_mismatch", Family: Propagation, At: []string{"inventory"},
		What:   "inventory reads grpc-trace-bin only (grpc-go's own propagator), edge and checkout send traceparent; shipping sends both",
		Expect: []Expect{lost(edgeInventory, "format_mismatch"), lost(checkoutInventory, "format_mismatch")},
	})
	FormatMismatchB3 = add(Fault{
		Name: "format_mismatch_b3", Family: Propagation, At: []string{"edge"},
		What:   "edge sends B3 single to cart, which reads W3C",
		Expect: []Expect{lost(edgeCart, "format_mismatch", "stripped_on_the_way", "undetermined")},
		Note:   "both sides use otelgrpc, so the spans do not show the format; only the broken edge is visible",
	})
	Truncate64 = add(Fault{
		Name: "truncate64", Family: Propagation, At: []string{"payment"},
		What:   "payment keeps the low 64 bits of the trace id, as old B3 and vendor headers do",
		Expect: []Expect{{Rule: "CTX-004", Cause: "truncated_to_64_bits", Service: "payment", Edge: checkoutPayment}},
	})
	KafkaHeadersDropped = add(Fault{
		Name: "kafka_headers_dropped", Family: Propagation, At: []string{"shipping"},
		What:   "the records reach shipping without headers, as through an old mirror",
		Expect: []Expect{lost(checkoutShipping, "stripped_on_the_way", "undetermined", "callee_does_not_extract")},
		Note:   "this is the only edge into shipping, so nothing tells a lost header from a consumer that does not read it",
	})
	SamplerMismatch = add(Fault{
		Name: "sampler_mismatch", Family: Propagation, At: []string{"checkout"},
		What:   "checkout samples half of the traces by ratio and not by its parent; payment records all (always_on)",
		Expect: []Expect{{Rule: "CTX-001", Cause: "sampling_mismatch", Service: "payment"}},
	})
	QueueOverflow = add(Fault{
		Name: "queue_overflow", Family: Propagation, At: []string{"cart-1", "shopper"},
		What:   "one instance of cart has a BatchSpanProcessor with a tiny queue, and bursts of requests come",
		Expect: []Expect{{Rule: "CTX-001", Cause: "parent_dropped", Service: "cart", Process: "cart-1"}},
	})
	CrashWithoutFlush = add(Fault{
		Name: "crash_without_flush", Family: Propagation, At: []string{"checkout"}, Supervised: true,
		What:   "checkout is killed with spans in its queue and comes back, every 12 s",
		Expect: []Expect{{Rule: "CTX-001", Cause: "parent_dropped"}},
		Note:   "the orphans are in the services that checkout called; the parents they miss were checkout's",
	})
	ContextReused = add(Fault{
		Name: "context_reused", Family: Propagation, At: []string{"shipping"},
		What:   "a loop in shipping keeps the context of its first round for ever",
		Expect: []Expect{{Rule: "CTX-005", Cause: "context_reused", Service: "shipping"}},
	})
	SiblingParent = add(Fault{
		Name: "sibling_parent", Family: Propagation, At: []string{"checkout"},
		What:   "checkout overwrites ctx with that of a finished step, so the next step hangs below its sibling",
		Expect: []Expect{{Rule: "CTX-005", Cause: "sibling_parent", Service: "checkout", Operation: "order.price"}},
	})
	DoubleInstrumentation = add(Fault{
		Name: "double_instrumentation", Family: Propagation, At: []string{"cart-1", "cart-2"},
		What:   "cart has a tracing interceptor and a stats handler: two SERVER spans a call",
		Expect: []Expect{{Rule: "CTX-006", Cause: "two_handlers", Service: "cart"}},
		Note:   "otelgrpc has no interceptors any more; the interceptor is hand-written after the last that it had",
	})
	TracestateDropped = add(Fault{
		Name: "tracestate_dropped", Family: Propagation, At: []string{"proxy"},
		What:   "the proxy before checkout drops tracestate, and with it the sampling threshold ot=th:0 that edge set",
		Expect: []Expect{{Rule: "CTX-008", Cause: "tracestate_dropped", Edge: edgeCheckout}},
	})
)
