package telemetry

import (
	"context"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// shiftedExporter gives spans the times that a wrong clock of this host would have shown. The SDK reads the wall clock
// when a span starts and measures the rest of it with the monotonic clock, so one shift holds for the whole span.
type shiftedExporter struct{ sdktrace.SpanExporter }

func (e shiftedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	shifted := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, span := range spans {
		ahead := skew(span.StartTime())
		if ahead == 0 {
			shifted[i] = span
			continue
		}
		stub := tracetest.SpanStubFromReadOnlySpan(span)
		stub.StartTime = stub.StartTime.Add(ahead)
		stub.EndTime = stub.EndTime.Add(ahead)
		events := append([]sdktrace.Event(nil), stub.Events...)
		for j := range events {
			events[j].Time = events[j].Time.Add(ahead)
		}
		stub.Events = events
		shifted[i] = stub.Snapshot()
	}
	return e.SpanExporter.ExportSpans(ctx, shifted)
}

// shiftedMetricExporter does the same to the metric points that the runtime detectors read; points of other kinds keep
// their times, as nothing compares them between hosts.
type shiftedMetricExporter struct{ sdkmetric.Exporter }

func (e shiftedMetricExporter) Export(ctx context.Context, metrics *metricdata.ResourceMetrics) error {
	for _, scope := range metrics.ScopeMetrics {
		for _, metric := range scope.Metrics {
			switch data := metric.Data.(type) {
			case metricdata.Sum[int64]:
				shiftPoints(data.DataPoints)
			case metricdata.Sum[float64]:
				shiftPoints(data.DataPoints)
			case metricdata.Gauge[int64]:
				shiftPoints(data.DataPoints)
			case metricdata.Gauge[float64]:
				shiftPoints(data.DataPoints)
			}
		}
	}
	return e.Exporter.Export(ctx, metrics)
}

func shiftPoints[N int64 | float64](points []metricdata.DataPoint[N]) {
	for i := range points {
		ahead := skew(points[i].Time)
		points[i].Time = points[i].Time.Add(ahead)
		if !points[i].StartTime.IsZero() {
			points[i].StartTime = points[i].StartTime.Add(ahead)
		}
	}
}
