// Package prober looks at payment's certificate from outside. It stands in for the Collector's httpcheck receiver, whose
// metric names it uses: a Go service does not tell how long its certificates live.
package prober

import (
	"context"
	"crypto/tls"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"example.com/blindspot/fleet/internal/certificate"
	"example.com/blindspot/fleet/internal/frame"
)

type probe struct {
	left      time.Duration
	handshake time.Duration
	name      string
	issuer    string
}

// Run probes every two seconds until ctx ends.
func Run(ctx context.Context, env *frame.Env) error {
	var last atomic.Pointer[probe]
	if err := publish(env, &last); err != nil {
		return err
	}
	pool, err := certificate.Pool(env.Plan.Dir)
	if err != nil {
		return err
	}
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		if found, err := look(ctx, env.Plan.Address("payment"), &tls.Config{RootCAs: pool}); err == nil {
			last.Store(found)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func look(ctx context.Context, address string, config *tls.Config) (*probe, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	start := time.Now()
	connection, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	leaf := connection.(*tls.Conn).ConnectionState().PeerCertificates[0]
	return &probe{left: time.Until(leaf.NotAfter), handshake: time.Since(start), name: leaf.Subject.CommonName, issuer: leaf.Issuer.CommonName}, nil
}

func publish(env *frame.Env, last *atomic.Pointer[probe]) error {
	meter := otel.Meter("fleet/prober")
	url := attribute.String("http.url", "https://"+env.Plan.Address("payment"))
	left, err := meter.Int64ObservableGauge("httpcheck.tls.cert_remaining", metric.WithUnit("s"), metric.WithDescription("Time until the certificate expires; negative when it has."))
	if err != nil {
		return err
	}
	handshake, err := meter.Int64ObservableGauge("httpcheck.tls.handshake.duration", metric.WithUnit("ms"), metric.WithDescription("Time to connect and shake hands."))
	if err != nil {
		return err
	}
	_, err = meter.RegisterCallback(func(_ context.Context, observer metric.Observer) error {
		found := last.Load()
		if found == nil {
			return nil
		}
		observer.ObserveInt64(left, int64(found.left.Seconds()), metric.WithAttributes(url,
			attribute.String("http.tls.cn", found.name), attribute.String("http.tls.issuer", found.issuer)))
		observer.ObserveInt64(handshake, found.handshake.Milliseconds(), metric.WithAttributes(url))
		return nil
	}, left, handshake)
	return err
}
