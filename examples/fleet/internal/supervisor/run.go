// Package supervisor runs the fleet: it starts the processes, switches the faults, ends everything and writes the truth.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"example.com/blindspot/fleet/internal/certificate"
	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/plan"
	"example.com/blindspot/fleet/internal/record"
)

// Options are what the command line says.
type Options struct {
	Command      string
	Faults       []fault.Request
	Duration     time.Duration
	Rate         float64
	Seed         uint64
	Record       string
	Truth        string
	Base         int
	MetricsEvery time.Duration
	Bridge       string
}

// fleet is a run under way.
type fleet struct {
	plan     plan.Plan
	mu       sync.Mutex
	children map[string]*child
	planned  map[string]bool // processes that are meant to end just now
	active   map[*fault.Fault]string
	strikes  map[string]int64
	truth    *Truth
	failed   chan error
}

// Run runs the fleet for its time; ctx ends it early.
func Run(ctx context.Context, o Options) error {
	p, err := newPlan(o)
	if err != nil {
		return err
	}
	defer os.RemoveAll(p.Dir)
	if err := checkPorts(p, o.Record != ""); err != nil {
		return err
	}
	if o.Record == "" {
		if err := checkGateway(p); err != nil {
			return err
		}
	}
	if err := certificate.CreateAuthority(p.Dir); err != nil {
		return err
	}
	stopStores, err := startStores(p)
	defer stopStores()
	if err != nil {
		return err
	}
	finishRecording, err := startRecording(o, p)
	if err != nil {
		return err
	}

	f := &fleet{
		plan: p, children: map[string]*child{}, planned: map[string]bool{}, active: map[*fault.Fault]string{},
		strikes: map[string]int64{}, truth: newTruth(o, p), failed: make(chan error, len(plan.Processes)),
	}
	err = f.live(ctx, o)
	err = errors.Join(err, f.stopAll(), finishRecording())
	f.finishTruth(o)
	return errors.Join(err, f.truth.write(o.Truth))
}

func newPlan(o Options) (plan.Plan, error) {
	dir, err := os.MkdirTemp("", "fleet-")
	if err != nil {
		return plan.Plan{}, err
	}
	p := plan.Plan{Base: o.Base, Dir: dir, Seed: o.Seed, Rate: o.Rate, MetricsEvery: o.MetricsEvery, Bridge: o.Bridge}
	p.Redis, p.Kafka = p.RedisDefault(), p.KafkaDefault()
	if address := os.Getenv("FLEET_REDIS"); address != "" {
		p.Redis = address
	}
	if address := os.Getenv("FLEET_KAFKA"); address != "" {
		p.Kafka = address
	}
	if o.Record != "" {
		p.OTLPGRPC, p.OTLPHTTP = p.SinkGRPC(), p.SinkHTTP()
		return p, nil
	}
	p.OTLPGRPC, p.OTLPHTTP, err = endpoints(os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))
	return p, err
}

// endpoints of the gateway: the variable names the gRPC port, and HTTP is the next one, as 4318 follows 4317.
func endpoints(endpoint string) (grpcAddress, httpAddress string, err error) {
	if endpoint == "" {
		return "127.0.0.1:4317", "127.0.0.1:4318", nil
	}
	wrong := fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT is %q; write http://HOST:PORT with the gRPC port (HTTP is the next one)", endpoint)
	parsed, err := url.Parse(endpoint)
	if err != nil || parsed.Hostname() == "" {
		return "", "", wrong
	}
	port := 4317
	if text := parsed.Port(); text != "" {
		if port, err = strconv.Atoi(text); err != nil {
			return "", "", wrong
		}
	}
	host := parsed.Hostname()
	return net.JoinHostPort(host, strconv.Itoa(port)), net.JoinHostPort(host, strconv.Itoa(port+1)), nil
}

func startRecording(o Options, p plan.Plan) (finish func() error, err error) {
	if o.Record == "" {
		return func() error { return nil }, nil
	}
	file, err := record.Create(o.Record)
	if err != nil {
		return nil, err
	}
	sink, err := record.Listen(file, p.SinkGRPC(), p.SinkHTTP())
	if err != nil {
		return nil, err
	}
	return func() error {
		sink.Close()
		requests, bytes, err := file.Close()
		fmt.Printf("fleet: recorded %d requests, %.1f MB, in %s\n", requests, float64(bytes)/1e6, o.Record)
		return err
	}, nil
}

// live starts everything, lets it run and returns when the time is over or something failed.
func (f *fleet) live(ctx context.Context, o Options) error {
	for _, process := range plan.Processes {
		if process.Name == "shopper" {
			continue // the load comes when everything is up
		}
		if err := f.start(process); err != nil {
			return err
		}
	}
	for _, process := range plan.Processes {
		if process.Name == "shopper" {
			continue
		}
		if err := f.children[process.Name].ready(15 * time.Second); err != nil {
			return err
		}
	}
	// What is broken from the start is broken before the first request, as after a bad deployment.
	for _, request := range o.Faults {
		if request.From == 0 {
			f.switchAll(request, true)
		}
	}
	shopper, err := plan.Find("shopper")
	if err != nil {
		return err
	}
	if err := f.start(shopper); err != nil {
		return err
	}
	if err := f.children["shopper"].ready(15 * time.Second); err != nil {
		return err
	}
	begin := time.Now()
	f.truth.Started = nanos(begin)
	fmt.Printf("fleet: up, %g requests a second for %s\n", o.Rate, o.Duration)

	ctx, cancel := context.WithDeadline(ctx, begin.Add(o.Duration))
	defer cancel()
	var schedule sync.WaitGroup
	defer schedule.Wait()
	for _, request := range o.Faults {
		schedule.Go(func() { f.follow(ctx, begin, request) })
	}
	select {
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return errors.New("interrupted")
		}
		return nil
	case err := <-f.failed:
		cancel()
		return err
	}
}

// start starts a process and watches for its end.
func (f *fleet) start(process plan.Process) error {
	c, err := startChild(f.plan, process)
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.children[process.Name] = c
	f.planned[process.Name] = false
	f.mu.Unlock()
	go func() {
		<-c.exited
		f.mu.Lock()
		planned := f.planned[process.Name]
		f.mu.Unlock()
		if !planned {
			f.failed <- c.died()
		}
	}()
	return nil
}

// stopAll ends callers before callees, so that the last traces are whole.
func (f *fleet) stopAll() error {
	var errs error
	for _, name := range []string{"shopper", "prober", "edge", "proxy", "checkout", "shipping", "cart-1", "cart-2", "payment", "inventory"} {
		f.mu.Lock()
		c := f.children[name]
		f.planned[name] = true
		f.mu.Unlock()
		if c == nil {
			continue
		}
		select {
		case <-c.exited:
			continue // told already
		default:
		}
		f.collect(c)
		err := c.stop(20 * time.Second)
		f.ended(c, "stopped")
		errs = errors.Join(errs, err)
		if name == "shopper" {
			// What the last requests left behind (work that ignores its cancellation) comes to its end.
			time.Sleep(2 * time.Second)
		}
	}
	return errs
}

// collect adds up how often faults were provoked, before the process forgets.
func (f *fleet) collect(c *child) {
	report, err := c.report()
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, n := range report.Strikes {
		f.strikes[name] += n
	}
}

func (f *fleet) ended(c *child, how string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.truth.Processes = append(f.truth.Processes, TruthProcess{
		Name: c.Name, Service: c.Service, Instance: c.Instance, Host: c.Host,
		Started: nanos(c.Started), Ended: nanos(time.Now()), How: how,
	})
}
