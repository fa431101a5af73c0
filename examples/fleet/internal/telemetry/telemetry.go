// Package telemetry sets OpenTelemetry up as a Go service does, with switches where a fault needs one.
package telemetry

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	prometheusbridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/contrib/instrumentation/runtime"
	"go.opentelemetry.io/otel"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/plan"
)

// Start installs the global tracer and meter providers and the propagator; the function returned flushes and stops them.
func Start(ctx context.Context, p plan.Plan, process plan.Process, instance string, registry *prometheus.Registry) (func(context.Context) error, error) {
	otel.SetTextMapPropagator(Propagator())
	if process.Protocol == "" {
		return func(context.Context) error { return nil }, nil
	}
	res, err := newResource(ctx, process, instance)
	if err != nil {
		return nil, err
	}

	spans, err := spanExporter(ctx, p, process.Protocol)
	if err != nil {
		return nil, err
	}
	processors, err := newQueue(ctx, p, process, lateExporter{shiftedExporter{spans}})
	if err != nil {
		return nil, err
	}
	tracers := sdktrace.NewTracerProvider(
		sdktrace.WithResource(res),
		sdktrace.WithSampler(sampler(process.Service)),
		sdktrace.WithSpanProcessor(processors),
	)
	otel.SetTracerProvider(tracers)

	points, err := metricExporter(ctx, p, process.Protocol)
	if err != nil {
		return nil, err
	}
	// Half of the reader's interval, so that each export carries a fresh reading.
	fresh := runtime.WithMinimumReadMemStatsInterval(p.MetricsEvery / 2)
	// The option fits the producer too, although its declared type does not say so.
	freshProducer, ok := fresh.(runtime.ProducerOption)
	if !ok {
		return nil, errors.New("runtime.WithMinimumReadMemStatsInterval no longer fits runtime.NewProducer")
	}
	readerOptions := []sdkmetric.PeriodicReaderOption{
		sdkmetric.WithInterval(p.MetricsEvery),
		// The producer brings go.schedule.duration, which the runtime package does not send by itself.
		sdkmetric.WithProducer(runtime.NewProducer(freshProducer)),
	}
	if process.Bridge && p.Bridge != plan.BridgeNone {
		registry.MustRegister(goCollector(p.Bridge))
	}
	readerOptions = append(readerOptions, sdkmetric.WithProducer(prometheusbridge.NewMetricProducer(prometheusbridge.WithGatherer(registry))))
	meters := sdkmetric.NewMeterProvider(
		sdkmetric.WithResource(res),
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(shiftedMetricExporter{points}, readerOptions...)),
	)
	otel.SetMeterProvider(meters)
	if err := runtime.Start(fresh); err != nil {
		return nil, err
	}

	return func(ctx context.Context) error {
		return errors.Join(tracers.Shutdown(ctx), meters.Shutdown(ctx))
	}, nil
}

func goCollector(bridge string) prometheus.Collector {
	all := collectors.WithGoCollectorRuntimeMetrics(collectors.MetricsAll)
	if bridge == plan.BridgeAll {
		return collectors.NewGoCollector(all)
	}
	return collectors.NewGoCollector(all, collectors.WithoutGoCollectorRuntimeMetrics(regexp.MustCompile("^/godebug/")))
}

// skew is how far this host's clock is ahead at that time.
func skew(at time.Time) time.Duration {
	ahead := time.Duration(0)
	if fault.ClockSkew.OnAt(at) {
		ahead += fault.ClockSkew.Duration()
	}
	if f := fault.ClockDrift; f.OnAt(at) {
		ahead += time.Duration(float64(at.Sub(f.Since())) * f.PartsPerMillion() / 1e6)
	}
	if fault.ClockStep.OnAt(at) {
		ahead += fault.ClockStep.Duration()
	}
	return ahead
}
