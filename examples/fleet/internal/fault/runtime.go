package fault

// Go runtimes under pressure.
var (
	GogcOff = add(Fault{
		Name: "gogc_off", Family: Runtime, At: []string{"payment"},
		What:   "payment runs with GOGC=off and no memory limit",
		Expect: []Expect{{Rule: "GO-001", Cause: "gogc_off", Service: "payment", Process: "payment"}},
	})
	Gogc5 = add(Fault{
		Name: "gogc_5", Family: Runtime, At: []string{"cart-1"},
		What:   "one instance of cart runs with GOGC=5",
		Expect: []Expect{{Rule: "GO-002", Cause: "gogc_low", Service: "cart", Process: "cart-1"}},
	})
	MemoryLimitTight = add(Fault{
		Name: "memory_limit_tight", Family: Runtime, At: []string{"inventory"},
		What:   "inventory's memory limit lies just above its live heap, so that it collects nearly without pause",
		Expect: []Expect{{Rule: "GO-006", Cause: "memory_limit", Accept: []string{"gc_cpu_limiter"}, Service: "inventory", Process: "inventory"}},
	})
	AllocSurge = add(Fault{
		Name: "alloc_surge", Family: Runtime, At: []string{"edge"},
		What:   "edge allocates about 100 MB/s more than its load needs",
		Expect: []Expect{{Rule: "GO-040", Cause: "undetermined", Accept: []string{"load"}, Service: "edge", Process: "edge"}},
	})
	GoroutineLeak = add(Fault{
		Name: "goroutine_leak", Family: Runtime, At: []string{"cart-2"},
		What: "each call that the second cart serves leaves a goroutine blocked on a channel that nobody holds",
		Expect: []Expect{
			{Rule: "GO-030", Cause: "blocked_goroutines", Accept: []string{"undetermined"}, Service: "cart", Process: "cart-2"},
			{Rule: "GO-031", Cause: "unreachable_primitive", Service: "cart", Process: "cart-2"},
		},
		Note: "the stack is in /debug/pprof/goroutineleak of cart-2's admin port; the Go SDK has no exporter for profiles",
	})
	CPUStarved = add(Fault{
		Name: "cpu_starved", Family: Runtime, At: []string{"shipping"},
		What: "shipping has one processor (GOMAXPROCS) and eight goroutines that spin on it",
		Expect: []Expect{
			{Rule: "GO-020", Cause: "too_few_processors", Accept: []string{"undetermined"}, Service: "shipping", Process: "shipping"},
			{Rule: "GO-021", Cause: "too_few_processors", Accept: []string{"undetermined"}, Service: "shipping", Process: "shipping"},
		},
	})
	ForcedGC = add(Fault{
		Name: "forced_gc", Family: Runtime, At: []string{"checkout"},
		What:   "checkout calls runtime.GC() five times a second",
		Expect: []Expect{{Rule: "GO-008", Cause: "forced", Service: "checkout", Process: "checkout"}},
	})
	LongPause = add(Fault{
		Name: "long_pause", Family: Runtime, At: []string{"shipping"},
		What:   "shipping copies 256 MB in one go while collections start: a copy cannot be preempted, so the world stops late",
		Expect: []Expect{{Rule: "GO-007", Cause: "slow_stop", Accept: []string{"undetermined"}, Service: "shipping", Process: "shipping"}},
	})
)
