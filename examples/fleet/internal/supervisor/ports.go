package supervisor

import (
	"fmt"
	"net"
	"sort"
	"strings"

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
