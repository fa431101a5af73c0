package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	goruntime "go.opentelemetry.io/contrib/instrumentation/runtime"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

// runShop serves HTTP requests from one service to another as Go teams write it, with three things wrong:
//   - GET /dark comes with the context of a span that nobody ever exports,
//   - GET /late starts work that goes on after its answer,
//   - the garbage collector is off.
//
// It prints each span that it ended as a line of JSON, and ends when all is acknowledged.
func runShop(args []string) {
	flags := flag.NewFlagSet("shop", flag.ExitOnError)
	endpoint := flags.String("grpc", "", "host:port of OTLP/gRPC")
	rounds := flags.Int("rounds", 25, "how often each request is made")
	pause := flags.Duration("pause", 50*time.Millisecond, "between two rounds")
	check(flags.Parse(args))

	debug.SetGCPercent(-1)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	otel.SetTextMapPropagator(propagation.TraceContext{})
	frontend := tracerProvider(ctx, *endpoint, "frontend")
	cart := tracerProvider(ctx, *endpoint, "cart")
	meters := meterProvider(ctx, *endpoint, "cart")
	check(goruntime.Start(goruntime.WithMeterProvider(meters)))

	var background sync.WaitGroup
	server := httptest.NewServer(otelhttp.NewHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, span := cart.Tracer("shop").Start(r.Context(), "load cart")
		span.SetAttributes(attribute.String("cart.id", r.URL.Path))
		span.End()
		if r.URL.Path == "/late" {
			_, span := cart.Tracer("shop").Start(r.Context(), "write behind")
			background.Go(func() {
				time.Sleep(20 * time.Millisecond)
				span.End()
			})
		}
	}), "serve", otelhttp.WithTracerProvider(cart), withPathAsName))
	client := &http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport, otelhttp.WithTracerProvider(frontend), withPathAsName)}

	for range *rounds {
		get(ctx, client, server.URL+"/fine", "")
		get(ctx, client, server.URL+"/late", "")
		get(ctx, http.DefaultClient, server.URL+"/dark", contextOfNobody())
		check(meters.ForceFlush(ctx))
		time.Sleep(*pause)
	}
	background.Wait()
	server.Close()
	for _, provider := range []interface{ Shutdown(context.Context) error }{frontend, cart, meters} {
		check(provider.Shutdown(ctx))
	}
}

// withPathAsName names spans as otelhttp does for routes of net/http's own mux.
var withPathAsName = otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path })

var lastNobody uint64

// contextOfNobody is a traceparent whose span no service makes.
func contextOfNobody() string {
	lastNobody++
	return fmt.Sprintf("00-%016x%016x-%016x-01", time.Now().UnixNano(), lastNobody, 0xdead0000+lastNobody)
}

func get(ctx context.Context, client *http.Client, url, traceparent string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	check(err)
	if traceparent != "" {
		request.Header.Set("traceparent", traceparent)
	}
	response, err := client.Do(request)
	check(err)
	check(response.Body.Close())
}

func serviceResource(service string) *resource.Resource {
	res, err := resource.New(context.Background(), resource.WithTelemetrySDK(), resource.WithHost(), resource.WithAttributes(
		attribute.String("service.name", service), attribute.String("service.instance.id", service+"-1")))
	check(err)
	return res
}

func tracerProvider(ctx context.Context, endpoint, service string) *trace.TracerProvider {
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(endpoint), otlptracegrpc.WithInsecure())
	check(err)
	return trace.NewTracerProvider(
		trace.WithResource(serviceResource(service)),
		trace.WithSpanProcessor(printer{service}),
		trace.WithBatcher(exporter, trace.WithBatchTimeout(100*time.Millisecond)),
	)
}

func meterProvider(ctx context.Context, endpoint, service string) *metric.MeterProvider {
	exporter, err := otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithEndpoint(endpoint), otlpmetricgrpc.WithInsecure())
	check(err)
	return metric.NewMeterProvider(
		metric.WithResource(serviceResource(service)),
		metric.WithReader(metric.NewPeriodicReader(exporter)),
	)
}

// printer says which spans there are, so that the test can look for each of them.
type printer struct{ service string }

var out = struct {
	sync.Mutex
	*json.Encoder
}{Encoder: json.NewEncoder(os.Stdout)}

func (p printer) OnEnd(span trace.ReadOnlySpan) {
	out.Lock()
	defer out.Unlock()
	check(out.Encode(map[string]any{
		"service":    p.service,
		"name":       span.Name(),
		"traceId":    span.SpanContext().TraceID(),
		"spanId":     span.SpanContext().SpanID(),
		"parentId":   span.Parent().SpanID(),
		"start":      fmt.Sprint(span.StartTime().UnixNano()),
		"end":        fmt.Sprint(span.EndTime().UnixNano()),
		"attributes": len(span.Attributes()),
	}))
}

func (printer) OnStart(context.Context, trace.ReadWriteSpan) {}
func (printer) Shutdown(context.Context) error               { return nil }
func (printer) ForceFlush(context.Context) error             { return nil }
