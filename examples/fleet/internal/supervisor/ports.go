package supervisor

import (
	"errors"
	"fmt"
	"net"
	"sort"
	"strings"
	"time"

	"example.com/blindspot/fleet/internal/plan"
)

// checkPorts fails before anything is started, and names every port that is taken.
func checkPorts(p plan.Plan, recording bool) error {
	var taken []string
	for address, who := range p.Named(recording) {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			taken = append(taken, fmt.Sprintf("%s (for %s)", address, who))
			continue
		}
		_ = listener.Close()
	}
	if len(taken) == 0 {
		return nil
	}
	sort.Strings(taken)
	return fmt.Errorf("port taken: %s; choose another base with --port, such as --port %d (the fleet uses %d ports from there)",
		strings.Join(taken, ", "), p.Base+100, plan.PortsInUse)
}

// checkGateway fails when nobody listens where the telemetry is to go.
func checkGateway(p plan.Plan) error {
	for _, address := range []string{p.OTLPGRPC, p.OTLPHTTP} {
		connection, err := net.DialTimeout("tcp", address, 2*time.Second)
		if err != nil {
			return errors.New("nothing listens on " + address + ": start the gateway first (npm start), name another with " +
				"OTEL_EXPORTER_OTLP_ENDPOINT, or write to a file with --record FILE.otlp.pb.gz")
		}
		_ = connection.Close()
	}
	return nil
}
