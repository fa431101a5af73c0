// Package payment charges customers: HTTPS in, with a short-lived certificate of its own.
package payment

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"

	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/frame"
)

// Run serves payments until ctx ends.
func Run(ctx context.Context, env *frame.Env) error {
	certificates, err := newCertificates(env)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /charges", charge)
	server := &http.Server{
		Handler:           otelhttp.NewHandler(mux, "payment"),
		ReadHeaderTimeout: 5 * time.Second,
		TLSConfig: &tls.Config{
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificates.current().Certificate, nil },
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
				if fault.TLSSlow.Strike() {
					time.Sleep(fault.TLSSlow.Duration())
				}
				return nil, nil
			},
		},
	}
	listener, err := net.Listen("tcp", env.Plan.Address("payment"))
	if err != nil {
		return err
	}
	return frame.ServeHTTP(ctx, server, tls.NewListener(listener, server.TLSConfig))
}

var served atomic.Int64

func charge(w http.ResponseWriter, r *http.Request) {
	n := served.Add(1)
	if n%8 == 0 {
		// As servers with a limit on a connection's age do, so that handshakes go on.
		w.Header().Set("Connection", "close")
	}
	if fault.AsyncAfterEnd.On() && n%3 == 0 {
		fault.AsyncAfterEnd.Strike()
		// The values of the request without its cancellation: right for the work, too late for the span.
		go receipt(context.WithoutCancel(r.Context()))
	}
	time.Sleep(4 * time.Millisecond)
	w.WriteHeader(http.StatusCreated)
}

// receipt outlives the request: the first span ends after the request's, the second starts after it.
func receipt(ctx context.Context) {
	tracer := otel.Tracer("fleet/payment")
	_, render := tracer.Start(ctx, "receipt.render")
	time.Sleep(25 * time.Millisecond)
	render.End()
	_, mail := tracer.Start(ctx, "receipt.mail")
	time.Sleep(10 * time.Millisecond)
	mail.End()
}
