// Package shipping sends what was ordered: Kafka in, gRPC out.
package shipping

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	experimental "google.golang.org/grpc/experimental/opentelemetry"
	"google.golang.org/grpc/stats/opentelemetry"

	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/frame"
	"example.com/blindspot/fleet/internal/wire"
	"example.com/blindspot/fleet/shop"
)

const consumerGroup = "shipping"

var tracer = otel.Tracer("fleet/shipping")

// Run consumes orders until ctx ends.
func Run(ctx context.Context, env *frame.Env) error {
	// grpc-go's plugin, with both formats: what a team sends while it moves from grpc-trace-bin to W3C.
	connection, err := wire.DialGRPC("inventory", []string{env.Plan.Address("inventory")}, opentelemetry.DialOption(opentelemetry.Options{
		MetricsOptions: opentelemetry.MetricsOptions{MeterProvider: otel.GetMeterProvider()},
		TraceOptions: experimental.TraceOptions{
			TracerProvider:    otel.GetTracerProvider(),
			TextMapPropagator: propagation.NewCompositeTextMapPropagator(otel.GetTextMapPropagator(), opentelemetry.GRPCTraceBinPropagator{}),
		},
	}))
	if err != nil {
		return err
	}
	defer connection.Close()
	inventory := shop.NewInventoryClient(connection)
	// The loop finishes before the telemetry does, or its traces would look broken.
	var jobs sync.WaitGroup
	defer jobs.Wait()
	jobs.Go(func() { restock(ctx, inventory) })

	for ctx.Err() == nil {
		if err := consume(ctx, env.Plan.Kafka, inventory, fault.LinkedConsumer.On()); err != nil {
			return err
		}
	}
	return nil
}

// consume polls until ctx ends or the way of consuming changes: kotel gives every record a span below its producer's;
// a linked consumer makes one root for a batch and links it to the producers.
func consume(ctx context.Context, broker string, inventory shop.InventoryClient, linked bool) error {
	kafkaTracer := kotel.NewTracer(kotel.ConsumerGroup(consumerGroup))
	options := []kgo.Opt{
		kgo.SeedBrokers(broker), kgo.ConsumerGroup(consumerGroup), kgo.ConsumeTopics(wire.OrdersTopic),
		kgo.FetchMaxWait(200 * time.Millisecond),
	}
	if !linked {
		hooks := append([]kgo.Hook{droppingHeaders{}}, kotel.NewKotel(kotel.WithTracer(kafkaTracer)).Hooks()...)
		options = append(options, kgo.WithHooks(hooks...))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	// The group has to hear of the end, or the next client waits for a timeout.
	defer client.CloseAllowingRebalance()

	for ctx.Err() == nil && linked == fault.LinkedConsumer.On() {
		pollCtx, cancel := context.WithTimeout(ctx, time.Second)
		fetches := client.PollFetches(pollCtx)
		cancel()
		if linked {
			shipBatch(ctx, inventory, fetches.Records())
			continue
		}
		for _, record := range fetches.Records() {
			recordCtx, span := kafkaTracer.WithProcessSpan(record)
			ship(recordCtx, inventory)
			span.End()
		}
	}
	return nil
}

func ship(ctx context.Context, inventory shop.InventoryClient) {
	// Unlike the records' contexts this one ends, so that a hanging inventory does not stop the consumer.
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, _ = inventory.Commit(ctx, &shop.ItemRequest{Item: "item-3"})
}

func shipBatch(ctx context.Context, inventory shop.InventoryClient, records []*kgo.Record) {
	if len(records) == 0 {
		return
	}
	links := make([]trace.Link, 0, len(records))
	for _, record := range records {
		producer := otel.GetTextMapPropagator().Extract(context.Background(), kotel.NewRecordCarrier(record))
		links = append(links, trace.LinkFromContext(producer))
	}
	fault.LinkedConsumer.Strike()
	ctx, span := tracer.Start(ctx, wire.OrdersTopic+" process", trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(links...))
	defer span.End()
	for range records {
		ship(ctx, inventory)
	}
}

// droppingHeaders comes before kotel's hook and is the mirror that copies records without their headers.
type droppingHeaders struct{}

func (droppingHeaders) OnFetchRecordBuffered(record *kgo.Record) {
	if fault.KafkaHeadersDropped.Strike() {
		record.Headers = nil
	}
}

// restock is a loop that starts a trace for each round. With context_reused it keeps the first round's context, whose
// span has long ended, as loops do whose ctx is declared outside.
func restock(ctx context.Context, inventory shop.InventoryClient) {
	var kept context.Context
	for ctx.Err() == nil {
		round := context.WithoutCancel(ctx)
		if fault.ContextReused.Strike() {
			if kept != nil {
				round = kept
			}
		} else {
			kept = nil
		}
		roundCtx, span := tracer.Start(round, "job.restock")
		if kept == nil {
			kept = roundCtx
		}
		_, _ = inventory.Price(roundCtx, &shop.ItemRequest{Item: "item-4"})
		span.End()
		time.Sleep(500 * time.Millisecond)
	}
}
