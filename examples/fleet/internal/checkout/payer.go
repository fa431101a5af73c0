package checkout

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/httptrace/otelhttptrace"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"example.com/blindspot/fleet/internal/certificate"
	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/plan"
	"example.com/blindspot/fleet/internal/wire"
)

// payer calls payment over HTTPS, with spans for connections and handshakes (otelhttptrace).
type payer struct {
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	tls       *tls.Config
	transport http.RoundTripper
}

func newPayer(p plan.Plan) (*payer, error) {
	pool, err := certificate.Pool(p.Dir)
	if err != nil {
		return nil, err
	}
	payer := &payer{dial: wire.DialByName(map[string]string{"payment": p.Address("payment")}), tls: &tls.Config{RootCAs: pool}}
	payer.transport = traced(payer.newTransport())
	return payer, nil
}

func (p *payer) newTransport() *http.Transport {
	return &http.Transport{DialContext: p.dial, TLSClientConfig: p.tls.Clone(), MaxIdleConnsPerHost: 32, IdleConnTimeout: 90 * time.Second}
}

// traced wraps a transport as otelhttp's documentation does, with the certificate noted beside.
func traced(transport *http.Transport) http.RoundTripper {
	return otelhttp.NewTransport(certificateNotes{transport}, otelhttp.WithClientTrace(func(ctx context.Context) *httptrace.ClientTrace {
		return otelhttptrace.NewClientTrace(ctx)
	}))
}

// certificateNotes writes the life of the server's certificate on the client's span: no Go library does so by itself.
type certificateNotes struct{ next http.RoundTripper }

func (n certificateNotes) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := n.next.RoundTrip(r)
	if err == nil && response.TLS != nil && len(response.TLS.PeerCertificates) > 0 {
		leaf := response.TLS.PeerCertificates[0]
		trace.SpanFromContext(r.Context()).SetAttributes(
			attribute.String("tls.server.not_before", leaf.NotBefore.UTC().Format(time.RFC3339)),
			attribute.String("tls.server.not_after", leaf.NotAfter.UTC().Format(time.RFC3339)),
		)
	}
	return response, err
}

func (p *payer) charge(ctx context.Context) error {
	transport := p.transport
	if fault.TransportPerRequest.Strike() {
		own := p.newTransport()
		defer own.CloseIdleConnections()
		transport = traced(own)
	}
	if fault.RequestWithoutCtx.Strike() {
		ctx = context.Background() // what http.NewRequest does
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://payment/charges", http.NoBody)
	if err != nil {
		return err
	}
	response, err := (&http.Client{Transport: transport, Timeout: 5 * time.Second}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	if response.StatusCode != http.StatusCreated {
		return fmt.Errorf("payment answered %s", response.Status)
	}
	return nil
}
