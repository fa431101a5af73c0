// Package cart keeps what customers want to buy: gRPC in, Redis out.
package cart

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/frame"
	"example.com/blindspot/fleet/internal/wire"
	"example.com/blindspot/fleet/shop"
)

// Run serves carts until ctx ends.
func Run(ctx context.Context, env *frame.Env) error {
	store, err := wire.NewRedis(env.Plan.Redis)
	if err != nil {
		return err
	}
	defer store.Close()
	server := grpc.NewServer(
		grpc.StatsHandler(otelgrpc.NewServerHandler()),
		grpc.UnaryInterceptor(secondHandler),
	)
	shop.RegisterCartServer(server, &carts{store: store})
	return wire.ServeGRPC(ctx, server, env.Plan.Address(env.Process.Name))
}

type carts struct {
	shop.UnimplementedCartServer
	store *redis.Client
}

func key(customer string) string { return "cart:" + customer }

func (c *carts) GetCart(ctx context.Context, in *shop.CartRequest) (*shop.CartReply, error) {
	leak()
	items, err := c.store.LRange(ctx, key(in.Customer), 0, 20).Result()
	if err != nil {
		return nil, err
	}
	return &shop.CartReply{Items: items}, nil
}

func (c *carts) AddItem(ctx context.Context, in *shop.ItemRequest) (*shop.CartReply, error) {
	leak()
	if err := c.store.LPush(ctx, key(in.Customer), in.Item).Err(); err != nil {
		return nil, err
	}
	if fault.DetachedGoroutine.Strike() {
		go c.recalculate(context.Background(), in.Customer)
	} else {
		c.recalculate(ctx, in.Customer)
	}
	if err := c.store.LTrim(ctx, key(in.Customer), 0, 20).Err(); err != nil {
		return nil, err
	}
	return &shop.CartReply{}, nil
}

// recalculate is the work that detached_goroutine takes out of the request's trace.
func (c *carts) recalculate(ctx context.Context, customer string) {
	ctx, span := otel.Tracer("fleet/cart").Start(ctx, "cart.recalculate", trace.WithSpanKind(trace.SpanKindInternal))
	defer span.End()
	c.store.LLen(ctx, key(customer))
	time.Sleep(2 * time.Millisecond)
}

// leak leaves a goroutine that waits for ever on a channel which nobody else knows.
func leak() {
	if fault.GoroutineLeak.Strike() {
		results := make(chan int)
		go func() { results <- 1 }()
	}
}
