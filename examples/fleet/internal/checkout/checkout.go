// Package checkout turns carts into orders: HTTP in; gRPC, HTTPS and Kafka out; locks in Redis.
package checkout

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"

	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/frame"
	"example.com/blindspot/fleet/internal/wire"
	"example.com/blindspot/fleet/shop"
)

var tracer = otel.Tracer("fleet/checkout")

// desk holds what orders need.
type desk struct {
	inventory shop.InventoryClient
	payment   *payer
	orders    *publisher
	locks     *redsync.Redsync
	jobs      sync.WaitGroup
}

// Run serves orders until ctx ends.
func Run(ctx context.Context, env *frame.Env) error {
	inventory, err := wire.DialGRPC("inventory", []string{env.Plan.Address("inventory")})
	if err != nil {
		return err
	}
	defer inventory.Close()
	store, err := wire.NewRedis(env.Plan.Redis)
	if err != nil {
		return err
	}
	defer store.Close()
	payment, err := newPayer(env.Plan)
	if err != nil {
		return err
	}
	orders, err := newPublisher(env.Plan)
	if err != nil {
		return err
	}
	defer orders.close()

	d := &desk{inventory: shop.NewInventoryClient(inventory), payment: payment, orders: orders, locks: redsync.New(goredis.NewPool(store))}
	// Jobs finish before the telemetry does, or their traces would look broken.
	defer d.jobs.Wait()
	d.jobs.Go(func() { d.settle(ctx) })
	d.jobs.Go(func() { d.cron(ctx) })

	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", d.order)
	mux.HandleFunc("GET /quotes", d.quote)
	mux.HandleFunc("GET /events", d.events)
	server := &http.Server{Handler: otelhttp.NewHandler(mux, "checkout"), ReadHeaderTimeout: 5 * time.Second}
	listener, err := net.Listen("tcp", env.Plan.Address("checkout"))
	if err != nil {
		return err
	}
	return frame.ServeHTTP(ctx, server, listener)
}

// quote is where edge gives up early on some requests: it marks them with ?slow=1.
func (d *desk) quote(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("slow") != "" && !d.slowQuote(r.Context()) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_, err := d.inventory.Price(r.Context(), &shop.ItemRequest{Item: r.FormValue("item")})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// slowQuote computes for longer than the caller waits, and says whether it came to an end.
func (d *desk) slowQuote(ctx context.Context) bool {
	_, span := tracer.Start(ctx, "quote.compute")
	defer span.End()
	if fault.CancelIgnored.Strike() {
		time.Sleep(1600 * time.Millisecond)
		return true
	}
	for range 40 {
		select {
		case <-ctx.Done():
			fault.CallerTimeout.Strike()
			time.Sleep(60 * time.Millisecond) // cleaning up, within the grace
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return true
}

// events is a long poll that never has news.
func (d *desk) events(w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(8 * time.Second):
	}
	w.WriteHeader(http.StatusNoContent)
}

// cron is an honest background job: it begins a trace of its own, while requests are served.
func (d *desk) cron(ctx context.Context) {
	for ctx.Err() == nil {
		if fault.CronRoot.Strike() {
			jobCtx, span := tracer.Start(context.Background(), "job.reprice")
			_, _ = d.inventory.Price(jobCtx, &shop.ItemRequest{Item: "item-1"})
			span.End()
		}
		time.Sleep(700 * time.Millisecond)
	}
}
