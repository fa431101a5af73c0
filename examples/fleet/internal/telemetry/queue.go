package telemetry

import (
	"context"
	"errors"
	"slices"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/plan"
)

// queue hands spans to the usual batch processor or, while queue_overflow is on, to one whose queue is tiny.
type queue struct {
	usual sdktrace.SpanProcessor
	tiny  sdktrace.SpanProcessor // nil in the processes that queue_overflow does not touch
}

func newQueue(ctx context.Context, p plan.Plan, process plan.Process, exporter sdktrace.SpanExporter) (sdktrace.SpanProcessor, error) {
	q := queue{usual: sdktrace.NewBatchSpanProcessor(exporter)}
	if slices.Contains(fault.QueueOverflow.At, process.Name) {
		own, err := spanExporter(ctx, p, process.Protocol)
		if err != nil {
			return nil, err
		}
		q.tiny = sdktrace.NewBatchSpanProcessor(own, sdktrace.WithMaxQueueSize(8), sdktrace.WithMaxExportBatchSize(4))
	}
	return q, nil
}

func (q queue) current() sdktrace.SpanProcessor {
	if q.tiny != nil && fault.QueueOverflow.On() {
		return q.tiny
	}
	return q.usual
}

func (q queue) OnStart(ctx context.Context, span sdktrace.ReadWriteSpan) {
	q.current().OnStart(ctx, span)
}

func (q queue) OnEnd(span sdktrace.ReadOnlySpan) { q.current().OnEnd(span) }

func (q queue) Shutdown(ctx context.Context) error {
	return q.each(func(p sdktrace.SpanProcessor) error { return p.Shutdown(ctx) })
}

func (q queue) ForceFlush(ctx context.Context) error {
	return q.each(func(p sdktrace.SpanProcessor) error { return p.ForceFlush(ctx) })
}

func (q queue) each(do func(sdktrace.SpanProcessor) error) error {
	err := do(q.usual)
	if q.tiny != nil {
		err = errors.Join(err, do(q.tiny))
	}
	return err
}
