// Package inventory knows prices and stock: gRPC in, with a server stream. It is the fleet's one server that is
// instrumented by grpc-go's own plugin (stats/opentelemetry) instead of otelgrpc.
package inventory

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"google.golang.org/grpc"
	experimental "google.golang.org/grpc/experimental/opentelemetry"
	"google.golang.org/grpc/stats/opentelemetry"

	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/frame"
	"example.com/blindspot/fleet/internal/telemetry"
	"example.com/blindspot/fleet/internal/wire"
	"example.com/blindspot/fleet/shop"
)

// Run serves stock until ctx ends.
func Run(ctx context.Context, env *frame.Env) error {
	server := grpc.NewServer(opentelemetry.ServerOption(opentelemetry.Options{
		MetricsOptions: opentelemetry.MetricsOptions{MeterProvider: otel.GetMeterProvider()},
		TraceOptions: experimental.TraceOptions{
			TracerProvider:    otel.GetTracerProvider(),
			TextMapPropagator: telemetry.Choose(fault.FormatMismatch, opentelemetry.GRPCTraceBinPropagator{}, otel.GetTextMapPropagator()),
		},
	}))
	shop.RegisterInventoryServer(server, &stock{})
	return wire.ServeGRPC(ctx, server, env.Plan.Address("inventory"))
}

type stock struct {
	shop.UnimplementedInventoryServer
}

func (*stock) Price(ctx context.Context, _ *shop.ItemRequest) (*shop.PriceReply, error) {
	return &shop.PriceReply{Cents: 4200}, wait(ctx, 2*time.Millisecond)
}

func (*stock) Reserve(ctx context.Context, in *shop.ItemRequest) (*shop.ReserveReply, error) {
	if fault.CancelIgnored.On() && in.Item == wire.SlowItem {
		// The caller's deadline passes meanwhile; this handler never looks at ctx.
		fault.CancelIgnored.Strike()
		time.Sleep(1600 * time.Millisecond)
	}
	return &shop.ReserveReply{Reservation: "r-" + in.Item}, wait(ctx, 3*time.Millisecond)
}

func (*stock) Commit(ctx context.Context, in *shop.ItemRequest) (*shop.ReserveReply, error) {
	return &shop.ReserveReply{Reservation: "r-" + in.Item}, wait(ctx, 2*time.Millisecond)
}

// Watch sends five changes, 20 ms apart, and stops when its client has gone.
func (*stock) Watch(_ *shop.ItemRequest, stream grpc.ServerStreamingServer[shop.StockReply]) error {
	for count := range int64(5) {
		if err := stream.Send(&shop.StockReply{Count: count}); err != nil {
			if fault.StreamNoBackpressure.Strike() {
				return sendOn(stream)
			}
			return err
		}
		if err := wait(stream.Context(), 20*time.Millisecond); err != nil {
			if fault.StreamNoBackpressure.Strike() {
				return sendOn(stream)
			}
			return err
		}
	}
	return nil
}

// sendOn is the producer that nobody told that its client has gone: it ignores ctx and the errors of Send for 2 s.
func sendOn(stream grpc.ServerStreamingServer[shop.StockReply]) error {
	for range 40 {
		_ = stream.Send(&shop.StockReply{})
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}

// wait is work that stops when its caller does.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
