package main

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

// sendSpans sends plain spans with each of the SDK's exporters, plain and gzipped, all at the same time.
func sendSpans(args []string) {
	flags := flag.NewFlagSet("spans", flag.ExitOnError)
	grpcEndpoint := flags.String("grpc", "", "host:port of OTLP/gRPC")
	httpEndpoint := flags.String("http", "", "host:port of OTLP/HTTP")
	spans := flags.Int("spans", 1000, "spans to send with each exporter")
	check(flags.Parse(args))

	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	var senders sync.WaitGroup
	for _, compressed := range []bool{false, true} {
		overGrpc := grpcExporter(ctx, *grpcEndpoint, compressed)
		overHTTP := httpExporter(ctx, *httpEndpoint, compressed)
		senders.Go(func() { send(ctx, overGrpc, fmt.Sprintf("go-grpc-%t", compressed), *spans) })
		senders.Go(func() { send(ctx, overHTTP, fmt.Sprintf("go-http-%t", compressed), *spans) })
	}
	senders.Wait()
}

func grpcExporter(ctx context.Context, endpoint string, compressed bool) *otlptrace.Exporter {
	options := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(endpoint), otlptracegrpc.WithInsecure()}
	if compressed {
		options = append(options, otlptracegrpc.WithCompressor("gzip"))
	}
	exporter, err := otlptracegrpc.New(ctx, options...)
	check(err)
	return exporter
}

func httpExporter(ctx context.Context, endpoint string, compressed bool) *otlptrace.Exporter {
	options := []otlptracehttp.Option{otlptracehttp.WithEndpoint(endpoint), otlptracehttp.WithInsecure()}
	if compressed {
		options = append(options, otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	check(err)
	return exporter
}

// send ends only when every span is acknowledged, or fails.
func send(ctx context.Context, exporter *otlptrace.Exporter, service string, spans int) {
	provider := trace.NewTracerProvider(
		trace.WithBatcher(exporter, trace.WithMaxQueueSize(2*spans)),
		trace.WithResource(resource.NewSchemaless(attribute.String("service.name", service))),
	)
	tracer := provider.Tracer("receiver-test")
	for i := range spans {
		_, span := tracer.Start(ctx, fmt.Sprintf("GET /item/%d", i))
		span.SetAttributes(attribute.Int("item", i))
		span.End()
	}
	check(provider.ForceFlush(ctx))
	check(provider.Shutdown(ctx))
}
