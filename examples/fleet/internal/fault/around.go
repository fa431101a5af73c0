package fault

// Troubles around the process: certificates, streams, locks, connections.
var (
	TLSSlow = add(Fault{
		Name: "tls_slow", Family: Around, Value: "400ms", At: []string{"payment"},
		What:   "payment answers each TLS handshake late",
		Expect: []Expect{{Rule: "TLS-004"}},
	})
	CertExpiring = add(Fault{
		Name: "cert_expiring", Family: Around, At: []string{"payment"},
		What:   "payment's certificate has two of its 90 days left",
		Expect: []Expect{{Rule: "TLS-001"}},
	})
	CertRenewalStuck = add(Fault{
		Name: "cert_renewal_stuck", Family: Around, At: []string{"payment"},
		What:   "payment's certificate should have been renewed five days ago and was not",
		Expect: []Expect{{Rule: "TLS-002"}},
	})
	StreamNoBackpressure = add(Fault{
		Name: "stream_no_backpressure", Family: Around, At: []string{"edge", "inventory"},
		What:   "edge leaves a stream after three messages; inventory goes on producing for 2 s and ignores the errors of Send",
		Expect: []Expect{{Rule: "RPC-001", Service: "inventory", Edge: edgeInventory}},
	})
	LockOverrun = add(Fault{
		Name: "lock_overrun", Family: Around, At: []string{"checkout"},
		What:   "checkout's work under an order's lock (TTL 300 ms) takes 450 ms",
		Expect: []Expect{{Rule: "LOCK-001", Service: "checkout"}},
	})
	LockNoRenewal = add(Fault{
		Name: "lock_no_renewal", Family: Around, At: []string{"checkout"},
		What:   "checkout's settlement holds its lock for 80 % of the TTL and no longer extends it",
		Expect: []Expect{{Rule: "LOCK-004", Service: "checkout"}},
		Note:   "give it a window (lock_no_renewal@15s): holds that were extended come first",
	})
	LockOverlap = add(Fault{
		Name: "lock_overlap", Family: Around, At: []string{"checkout"},
		What:   "settlements outlast their lock's TTL, and another takes the same lock meanwhile",
		Expect: []Expect{{Rule: "LOCK-002", Service: "checkout"}},
	})
	TransportPerRequest = add(Fault{
		Name: "transport_per_request", Family: Around, At: []string{"checkout"},
		What:   "checkout makes a new http.Transport for each call to payment",
		Expect: []Expect{{Rule: "CONN-003", Service: "checkout"}},
	})
)
