// Package wire makes the clients and servers of the fleet, instrumented as their libraries' documentation says.
package wire

import (
	"context"
	"net"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

// DialGRPC connects to all instances of a service and spreads calls over them. Without options of its own the
// connection is traced by otelgrpc's stats handler.
func DialGRPC(service string, addresses []string, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	if len(options) == 0 {
		options = []grpc.DialOption{grpc.WithStatsHandler(otelgrpc.NewClientHandler())}
	}
	instances := manual.NewBuilderWithScheme("fleet")
	state := resolver.State{}
	for _, address := range addresses {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: address})
	}
	instances.InitialState(state)
	options = append(options,
		grpc.WithResolvers(instances),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)),
	)
	return grpc.NewClient("fleet:///"+service, options...)
}

// ServeGRPC serves until ctx ends and lets running calls finish.
func ServeGRPC(ctx context.Context, server *grpc.Server, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	go func() {
		<-ctx.Done()
		timer := time.AfterFunc(3*time.Second, server.Stop)
		defer timer.Stop()
		server.GracefulStop()
	}()
	return server.Serve(listener)
}
