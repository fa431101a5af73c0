// Package proxy stands before checkout as a load balancer does: it exports nothing and, healthy, changes nothing.
package proxy

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/frame"
)

// Run forwards to checkout until ctx ends.
func Run(ctx context.Context, env *frame.Env) error {
	target := &url.URL{Scheme: "http", Host: env.Plan.Address("checkout")}
	handler := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			breakHeaders(r.Out)
		},
		// A caller that goes away is everyday life here, not worth a line.
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	listener, err := net.Listen("tcp", env.Plan.Address("proxy"))
	if err != nil {
		return err
	}
	return frame.ServeHTTP(ctx, &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}, listener)
}

func breakHeaders(r *http.Request) {
	if fault.ProxyStrip.On() && r.URL.Path == "/quotes" {
		fault.ProxyStrip.Strike()
		r.Header.Del("traceparent")
		r.Header.Del("tracestate")
	}
	if fault.TracestateDropped.Strike() {
		r.Header.Del("tracestate")
	}
	// version-trace-parent-flags: the proxy takes part in the trace with a span that it never exports.
	if parts := strings.Split(r.Header.Get("traceparent"), "-"); len(parts) == 4 && fault.ProxyNewParent.Strike() {
		var id [8]byte
		_, _ = rand.Read(id[:])
		parts[2] = hex.EncodeToString(id[:])
		r.Header.Set("traceparent", strings.Join(parts, "-"))
	}
}
