package wire

import (
	"context"
	"net"
)

// DialByName connects to peers by the names that a cluster's DNS would know, so that spans name them as users' spans do.
func DialByName(addresses map[string]string) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		if known, ok := addresses[host]; ok {
			address = known
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}
