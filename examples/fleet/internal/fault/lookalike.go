package fault

// Honest behaviour that resembles a fault; the rules named must stay silent.
var (
	LinkedConsumer = add(Fault{
		Name: "linked_consumer", Family: LookAlike, At: []string{"shipping"},
		What:   "shipping takes records in batches: one CONSUMER root a batch, linked to every producer",
		Silent: []string{"CTX-002", "CTX-003"},
	})
	CallerTimeout = add(Fault{
		Name: "caller_timeout", Family: LookAlike, At: []string{"edge", "checkout"},
		What:   "edge gives up on GET /quotes after 150 ms; checkout sees ctx.Done and stops within 100 ms",
		Silent: []string{"LIFE-001", "LIFE-002", "LIFE-004"},
	})
	LongPoll = add(Fault{
		Name: "long_poll", Family: LookAlike, At: []string{"shopper"},
		What:   "shoppers wait 8 s for GET /events",
		Silent: []string{"LIFE-003", "LIFE-005", "RPC-001", "GO-030"},
	})
	CronRoot = add(Fault{
		Name: "cron_root", Family: LookAlike, At: []string{"checkout"},
		What:   "a job in checkout starts a trace of its own every 700 ms, while requests are served",
		Silent: []string{"CTX-003"},
	})
	BrowserRoot = add(Fault{
		Name: "browser_root", Family: LookAlike, At: []string{"shopper"},
		What:   "the storefront traces too: the root is its CLIENT span",
		Silent: []string{"CTX-003", "CTX-002"},
	})
	LateExport = add(Fault{
		Name: "late_export", Family: LookAlike, Value: "8s", At: []string{"payment"},
		What:   "payment's spans leave it 8 s late",
		Silent: []string{"CTX-001", "CTX-002"},
	})
	RollingRestart = add(Fault{
		Name: "rolling_restart", Family: LookAlike, At: []string{"cart-1", "cart-2"}, Supervised: true,
		What:   "both instances of cart are stopped gracefully and come back as new ones",
		Silent: []string{"CTX-001", "CTX-002", "GO-003", "GO-030"},
	})
	GogcOffWithLimit = add(Fault{
		Name: "gogc_off_with_limit", Family: LookAlike, At: []string{"payment"},
		What:   "payment runs with GOGC=off under a memory limit of 256 MiB, as the Go guide describes",
		Silent: []string{"GO-001", "GO-003", "GO-006"},
		Note:   "GO-001 may say so as info, not as an error",
	})
	CacheWarmup = add(Fault{
		Name: "cache_warmup", Family: LookAlike, Value: "2s", At: []string{"edge"},
		What:   "edge fills a cache: an allocation surge of two seconds, once",
		Silent: []string{"GO-040", "GO-041"},
	})
	LoadRamp = add(Fault{
		Name: "load_ramp", Family: LookAlike, At: []string{"shopper"},
		What:   "the load grows to four times, and the goroutines with it",
		Silent: []string{"GO-030", "GO-040"},
	})
)
