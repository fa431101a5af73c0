// Sends spans to a gateway with the OpenTelemetry Go SDK's own exporters, over gRPC and over HTTP.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	grpcEndpoint := flag.String("grpc", "", "host:port of OTLP/gRPC")
	httpEndpoint := flag.String("http", "", "host:port of OTLP/HTTP")
	spans := flag.Int("spans", 1000, "spans to send with each exporter")
	flag.Parse()

	otel.SetErrorHandler(otel.ErrorHandlerFunc(check))
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	for _, compressed := range []bool{false, true} {
		send(ctx, overGrpc(ctx, *grpcEndpoint, compressed), fmt.Sprintf("go-grpc-%t", compressed), *spans)
		send(ctx, overHTTP(ctx, *httpEndpoint, compressed), fmt.Sprintf("go-http-%t", compressed), *spans)
	}
}

func overGrpc(ctx context.Context, endpoint string, compressed bool) *otlptrace.Exporter {
	options := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(endpoint), otlptracegrpc.WithInsecure()}
	if compressed {
		options = append(options, otlptracegrpc.WithCompressor("gzip"))
	}
	exporter, err := otlptracegrpc.New(ctx, options...)
	check(err)
	return exporter
}

func overHTTP(ctx context.Context, endpoint string, compressed bool) *otlptrace.Exporter {
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

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
