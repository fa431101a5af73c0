package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"example.com/blindspot/fleet/internal/fault"
)

// W3C is what a healthy service installs.
var W3C = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})

// None is the API's default: nothing is read and nothing written.
var None = propagation.NewCompositeTextMapPropagator()

// Propagator is the service's global one, with the faults that break it as a whole.
func Propagator() propagation.TextMapPropagator {
	p := Choose(fault.Truncate64, truncating{W3C}, W3C)
	p = Choose(fault.NoExtract, injectOnly{W3C}, p)
	return Choose(fault.NoPropagator, None, p)
}

// Choose uses one propagator while the fault is on and the other otherwise.
func Choose(f *fault.Fault, broken, healthy propagation.TextMapPropagator) propagation.TextMapPropagator {
	return choice{f, broken, healthy}
}

type choice struct {
	fault           *fault.Fault
	broken, healthy propagation.TextMapPropagator
}

func (c choice) current() propagation.TextMapPropagator {
	if c.fault.Strike() {
		return c.broken
	}
	return c.healthy
}

func (c choice) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	c.current().Inject(ctx, carrier)
}

func (c choice) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	return c.current().Extract(ctx, carrier)
}

func (c choice) Fields() []string { return c.healthy.Fields() }

// injectOnly is a service whose server side lost its propagator.
type injectOnly struct{ propagation.TextMapPropagator }

func (injectOnly) Extract(ctx context.Context, _ propagation.TextMapCarrier) context.Context {
	return ctx
}

// truncating reads the trace id as a 64-bit tracer does: the high half is lost.
type truncating struct{ propagation.TextMapPropagator }

func (t truncating) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	ctx = t.TextMapPropagator.Extract(ctx, carrier)
	parent := trace.SpanContextFromContext(ctx)
	if !parent.IsValid() {
		return ctx
	}
	id := parent.TraceID()
	clear(id[:8])
	return trace.ContextWithRemoteSpanContext(ctx, parent.WithTraceID(id))
}
