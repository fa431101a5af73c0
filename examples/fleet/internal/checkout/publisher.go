package checkout

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
	"go.opentelemetry.io/otel/trace"

	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/plan"
	"example.com/blindspot/fleet/internal/wire"
)

// publisher sends orders to Kafka, traced by kotel.
type publisher struct{ client *kgo.Client }

func newPublisher(p plan.Plan) (*publisher, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(p.Kafka),
		kgo.DefaultProduceTopic(wire.OrdersTopic),
		// Records wait for company, so that producing is asynchronous in the way that users know it.
		kgo.ProducerLinger(10*time.Millisecond),
		kgo.WithHooks(kotel.NewKotel(kotel.WithTracer(kotel.NewTracer())).Hooks()...),
	)
	if err != nil {
		return nil, err
	}
	return &publisher{client}, nil
}

// publish waits for the broker, and its span does too. With span_ended_early nobody waits: the span ends at once.
func (p *publisher) publish(ctx context.Context, number string) error {
	ctx, span := tracer.Start(ctx, "order.publish", trace.WithSpanKind(trace.SpanKindInternal))
	record := &kgo.Record{Key: []byte(number), Value: []byte(`{"order":"` + number + `"}`)}
	if fault.SpanEndedEarly.Strike() {
		p.client.Produce(context.WithoutCancel(ctx), record, nil)
		span.End()
		return nil
	}
	defer span.End()
	return p.client.ProduceSync(ctx, record).FirstErr()
}

func (p *publisher) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	_ = p.client.Flush(ctx)
	p.client.Close()
}
