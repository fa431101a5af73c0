// Package edge is the door of the shop: HTTP in; gRPC and HTTP out.
package edge

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel"
	"google.golang.org/grpc"

	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/frame"
	"example.com/blindspot/fleet/internal/telemetry"
	"example.com/blindspot/fleet/internal/wire"
	"example.com/blindspot/fleet/shop"
)

type door struct {
	cart      shop.CartClient
	inventory shop.InventoryClient
	http      *http.Client
	quotes    atomic.Int64
}

// Run serves shoppers until ctx ends.
func Run(ctx context.Context, env *frame.Env) error {
	propagator := telemetry.Choose(fault.FormatMismatchB3, b3.New(b3.WithInjectEncoding(b3.B3SingleHeader)), otel.GetTextMapPropagator())
	cart, err := wire.DialGRPC("cart", []string{env.Plan.Address("cart-1"), env.Plan.Address("cart-2")},
		grpc.WithStatsHandler(otelgrpc.NewClientHandler(otelgrpc.WithPropagators(propagator))))
	if err != nil {
		return err
	}
	defer cart.Close()
	// Not closed at the end: closing would end the spans of forgotten streams (stream_never_ended), hours late.
	inventory, err := wire.DialGRPC("inventory", []string{env.Plan.Address("inventory")})
	if err != nil {
		return err
	}

	d := &door{
		cart: shop.NewCartClient(cart), inventory: shop.NewInventoryClient(inventory),
		http: &http.Client{Transport: otelhttp.NewTransport(&http.Transport{
			MaxIdleConnsPerHost: 64,
			// The proxy stands before checkout as a sidecar does: callers do not know of it.
			DialContext: wire.DialByName(map[string]string{"checkout": env.Plan.Address("proxy")}),
		})},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /browse", d.browse)
	mux.HandleFunc("POST /cart", d.addToCart)
	mux.HandleFunc("POST /orders", d.order)
	mux.HandleFunc("GET /quotes", d.quote)
	mux.HandleFunc("GET /events", d.events)
	mux.HandleFunc("GET /stock", d.stock)
	server := &http.Server{Handler: otelhttp.NewHandler(mux, "edge"), ReadHeaderTimeout: 5 * time.Second}
	listener, err := net.Listen("tcp", env.Plan.Address("edge"))
	if err != nil {
		return err
	}
	return frame.ServeHTTP(ctx, server, listener)
}

func (d *door) browse(w http.ResponseWriter, r *http.Request) {
	_, err := d.cart.GetCart(r.Context(), &shop.CartRequest{Customer: r.FormValue("customer")})
	if err == nil {
		_, err = d.inventory.Price(r.Context(), &shop.ItemRequest{Item: r.FormValue("item")})
	}
	answer(w, http.StatusOK, err)
}

func (d *door) addToCart(w http.ResponseWriter, r *http.Request) {
	_, err := d.cart.AddItem(r.Context(), &shop.ItemRequest{Customer: r.FormValue("customer"), Item: r.FormValue("item")})
	answer(w, http.StatusNoContent, err)
}

func (d *door) order(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusCreated, d.call(r.Context(), http.MethodPost, "/orders?item="+url.QueryEscape(r.FormValue("item"))))
}

// quote gives up after 150 ms on every third quote, while a fault wants it.
func (d *door) quote(w http.ResponseWriter, r *http.Request) {
	ctx, path := r.Context(), "/quotes?item="+url.QueryEscape(r.FormValue("item"))
	if d.quotes.Add(1)%3 == 0 && (fault.CancelIgnored.On() || fault.CallerTimeout.On()) {
		limited, cancel := context.WithTimeout(ctx, 150*time.Millisecond)
		defer cancel()
		ctx, path = limited, path+"&slow=1"
	}
	answer(w, http.StatusOK, d.call(ctx, http.MethodGet, path))
}

func (d *door) events(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusNoContent, d.call(r.Context(), http.MethodGet, "/events"))
}

// stock reads a server stream. Healthy, it reads to the end.
func (d *door) stock(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	forget := fault.StreamNeverEnded.Strike()
	if forget {
		// Neither drained nor cancelled: nothing ever tells gRPC that this call is over.
		ctx = context.WithoutCancel(r.Context())
	}
	defer cancel()
	stream, err := d.inventory.Watch(ctx, &shop.ItemRequest{Item: r.FormValue("item")})
	if err != nil {
		answer(w, 0, err)
		return
	}
	leave := forget || fault.StreamNoBackpressure.Strike()
	for messages := 0; ; messages++ {
		if leave && messages == 3 {
			break
		}
		if _, err = stream.Recv(); err != nil {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	answer(w, http.StatusOK, err)
}

func (d *door) call(ctx context.Context, method, path string) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://checkout"+path, http.NoBody)
	if err != nil {
		return err
	}
	response, err := d.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return errors.New("checkout answered " + response.Status)
	}
	return nil
}

func answer(w http.ResponseWriter, status int, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.WriteHeader(status)
}
