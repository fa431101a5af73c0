package supervisor

import (
	"fmt"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"

	"example.com/blindspot/fleet/internal/plan"
	"example.com/blindspot/fleet/internal/wire"
)

// startStores brings up Redis and Kafka inside this process, where real ones were not named.
func startStores(p plan.Plan) (stop func(), err error) {
	var stops []func()
	stop = func() {
		for _, one := range stops {
			one()
		}
	}
	if p.Redis == p.RedisDefault() {
		server := miniredis.NewMiniRedis()
		if err := server.StartAddr(p.Redis); err != nil {
			return stop, fmt.Errorf("redis: %w", err)
		}
		// miniredis lets keys expire only when it is told that time passes.
		stops = append(stops, passTime(server), server.Close)
	}
	if p.Kafka == p.KafkaDefault() {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(p.KafkaPort()), kfake.SeedTopics(2, wire.OrdersTopic))
		if err != nil {
			return stop, fmt.Errorf("kafka: %w", err)
		}
		stops = append(stops, cluster.Close)
	}
	return stop, nil
}
