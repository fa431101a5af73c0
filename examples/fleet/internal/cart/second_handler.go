package cart

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"example.com/blindspot/fleet/internal/fault"
)

// secondHandler traces a call that the stats handler traces already. otelgrpc dropped its interceptors; this one does
// what the last of them did: read the caller's context from the metadata and start a SERVER span named after the method.
func secondHandler(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if !fault.DoubleInstrumentation.Strike() {
		return handler(ctx, request)
	}
	incoming, _ := metadata.FromIncomingContext(ctx)
	carrier := propagation.MapCarrier{}
	for name, values := range incoming {
		carrier[name] = values[0]
	}
	caller := trace.SpanContextFromContext(otel.GetTextMapPropagator().Extract(ctx, carrier))
	method := strings.TrimPrefix(info.FullMethod, "/")
	ctx, span := otel.Tracer("fleet/interceptor").Start(trace.ContextWithRemoteSpanContext(ctx, caller), method,
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("rpc.system.name", "grpc"), attribute.String("rpc.method", method)),
	)
	defer span.End()
	return handler(ctx, request)
}
