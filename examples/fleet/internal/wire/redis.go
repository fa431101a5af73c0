package wire

import (
	"errors"

	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
)

// NewRedis connects to Redis with the statements in the spans, as redisotel does by default.
func NewRedis(address string) (*redis.Client, error) {
	client := redis.NewClient(&redis.Options{
		Addr: "redis:6379", Dialer: DialByName(map[string]string{"redis": address}),
	})
	if err := errors.Join(redisotel.InstrumentTracing(client), redisotel.InstrumentMetrics(client)); err != nil {
		return nil, err
	}
	return client, nil
}
