package telemetry

import (
	"context"
	"crypto/sha256"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"

	"example.com/blindspot/fleet/internal/plan"
)

// newResource describes the process as if it were a pod: the node is the virtual host, the pod is the instance.
func newResource(ctx context.Context, process plan.Process, instance string) (*resource.Resource, error) {
	pod := fmt.Sprintf("%s-%.5s", process.Name, instance)
	id := sha256.Sum256([]byte(instance))
	return resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithProcessPID(),
		resource.WithProcessRuntimeName(),
		resource.WithProcessRuntimeVersion(),
		resource.WithAttributes(
			attribute.String("service.name", process.Service),
			attribute.String("service.namespace", "fleet"),
			attribute.String("service.version", "1.0.0"),
			attribute.String("service.instance.id", instance),
			attribute.String("deployment.environment.name", "example"),
			attribute.String("host.name", process.Host),
			attribute.String("k8s.node.name", process.Host),
			attribute.String("k8s.namespace.name", "fleet"),
			attribute.String("k8s.deployment.name", process.Service),
			attribute.String("k8s.pod.name", pod),
			attribute.String("k8s.pod.uid", fmt.Sprintf("%x-%x-%x-%x-%x", id[0:4], id[4:6], id[6:8], id[8:10], id[10:16])),
			attribute.String("k8s.container.name", process.Service),
		),
	)
}
