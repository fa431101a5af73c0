package telemetry

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/plan"
)

func spanExporter(ctx context.Context, p plan.Plan, protocol string) (sdktrace.SpanExporter, error) {
	if protocol == "grpc" {
		return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(p.OTLPGRPC), otlptracegrpc.WithInsecure())
	}
	return otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(p.OTLPHTTP), otlptracehttp.WithInsecure())
}

func metricExporter(ctx context.Context, p plan.Plan, protocol string) (sdkmetric.Exporter, error) {
	if protocol == "grpc" {
		return otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithEndpoint(p.OTLPGRPC), otlpmetricgrpc.WithInsecure())
	}
	return otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpoint(p.OTLPHTTP), otlpmetrichttp.WithInsecure())
}

// lateExporter holds every batch back while late_export is on. The batches wait beside one another, so that each is
// late by the same time and the queue behind does not fill up.
type lateExporter struct{ sdktrace.SpanExporter }

var waiting sync.WaitGroup

func (e lateExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if !fault.LateExport.Strike() {
		return e.SpanExporter.ExportSpans(ctx, spans)
	}
	batch := append([]sdktrace.ReadOnlySpan(nil), spans...) // the processor reuses its slice
	waiting.Go(func() {
		time.Sleep(fault.LateExport.Duration())
		exportCtx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = e.SpanExporter.ExportSpans(exportCtx, batch)
	})
	return nil
}

func (e lateExporter) Shutdown(ctx context.Context) error {
	waiting.Wait()
	return e.SpanExporter.Shutdown(ctx)
}
