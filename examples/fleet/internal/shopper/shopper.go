// Package shopper is the load: an open loop that sends requests at a rate, whether or not the last ones were answered.
package shopper

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/frame"
	"example.com/blindspot/fleet/internal/wire"
)

// route is one kind of request and its share of the load.
type route struct {
	method, path string
	weight       int
}

var routes = []route{
	{http.MethodGet, "/browse", 35},
	{http.MethodPost, "/cart", 20},
	{http.MethodPost, "/orders", 25},
	{http.MethodGet, "/quotes", 10},
	{http.MethodGet, "/stock", 10},
}

// limit bounds the requests under way, so that a fleet that hangs does not eat the machine.
const limit = 2000

// Run sends requests until ctx ends.
func Run(ctx context.Context, env *frame.Env) error {
	s := &shopper{
		random: rand.New(rand.NewPCG(env.Plan.Seed, 1)),
		places: make(chan struct{}, limit),
		plain: &http.Transport{
			MaxIdleConnsPerHost: 256,
			DialContext:         wire.DialByName(map[string]string{"edge": env.Plan.Address("edge")}),
		},
	}
	s.traced = otelhttp.NewTransport(s.plain)
	next := time.Now()
	for ctx.Err() == nil {
		next = next.Add(s.gap(env.Plan.Rate))
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(next)):
			s.sendNext(ctx)
		}
	}
	s.running.Wait()
	return nil
}

type shopper struct {
	random        *rand.Rand
	places        chan struct{}
	running       sync.WaitGroup
	plain, traced http.RoundTripper
}

// gap until the next request: arrivals are random (exponential), faster while the load ramps up.
func (s *shopper) gap(rate float64) time.Duration {
	if fault.LoadRamp.On() {
		// Four times after 30 s.
		rate *= 1 + 3*min(1, time.Since(fault.LoadRamp.Since()).Seconds()/30)
	}
	return time.Duration(s.random.ExpFloat64() / rate * float64(time.Second))
}

// sendNext chooses by the seed and sends; all random choices are made here, in one goroutine, to be the same each run.
func (s *shopper) sendNext(ctx context.Context) {
	chosen := s.choose()
	query := fmt.Sprintf("?customer=c%d&item=item-%d", s.random.IntN(200), s.random.IntN(wire.Items))
	s.start(ctx, chosen.method, chosen.path+query)
	if fault.LongPoll.On() && s.random.IntN(20) == 0 {
		fault.LongPoll.Strike()
		s.start(ctx, http.MethodGet, "/events")
	}
	if fault.LoadRamp.On() && s.random.IntN(10) == 0 {
		s.start(ctx, http.MethodGet, "/events")
	}
	if fault.QueueOverflow.On() && s.random.IntN(60) == 0 {
		fault.QueueOverflow.Strike()
		for range 80 {
			s.start(ctx, http.MethodPost, "/cart"+query)
		}
	}
}

func (s *shopper) choose() route {
	sum := 0
	for _, r := range routes {
		sum += r.weight
	}
	pick := s.random.IntN(sum)
	for _, r := range routes {
		if pick -= r.weight; pick < 0 {
			return r
		}
	}
	return routes[0]
}

func (s *shopper) start(ctx context.Context, method, path string) {
	select {
	case s.places <- struct{}{}:
	default:
		return
	}
	s.running.Go(func() {
		defer func() { <-s.places }()
		s.send(ctx, method, path)
	})
}

func (s *shopper) send(ctx context.Context, method, path string) {
	// The end of the run must not look like callers that give up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 12*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://edge"+path, http.NoBody)
	if err != nil {
		return
	}
	transport := s.plain
	if fault.BrowserRoot.Strike() {
		transport = s.traced
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
}
