// Package plan says which processes the fleet has, where each listens and on which virtual host it runs.
package plan

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// Process is one member of the fleet.
type Process struct {
	Name     string // unique: cart-1
	Service  string // service.name: cart
	Host     string // the virtual host, whose clock can be wrong
	Port     int    // offset of its port from the base, -1 without
	Protocol string // how its telemetry leaves: grpc, http, or "" for none
	Bridge   bool   // sends client_golang's Go collector through the Prometheus bridge too
}

// Processes in the order in which they are started. Half of the services export by gRPC, half by HTTP.
var Processes = []Process{
	{Name: "inventory", Service: "inventory", Host: "node-b", Port: 4, Protocol: "grpc", Bridge: true},
	{Name: "payment", Service: "payment", Host: "node-b", Port: 5, Protocol: "http", Bridge: true},
	{Name: "cart-1", Service: "cart", Host: "node-a", Port: 1, Protocol: "grpc"},
	{Name: "cart-2", Service: "cart", Host: "node-b", Port: 2, Protocol: "grpc"},
	{Name: "shipping", Service: "shipping", Host: "node-b", Port: -1, Protocol: "http", Bridge: true},
	{Name: "checkout", Service: "checkout", Host: "node-a", Port: 3, Protocol: "http", Bridge: true},
	{Name: "proxy", Service: "proxy", Host: "node-a", Port: 6},
	{Name: "edge", Service: "edge", Host: "node-a", Port: 0, Protocol: "grpc"},
	{Name: "prober", Service: "prober", Host: "node-a", Port: -1, Protocol: "http"},
	{Name: "shopper", Service: "storefront", Host: "node-a", Port: -1, Protocol: "grpc"},
}

// Offsets from the base port.
const (
	redisOffset  = 7
	kafkaOffset  = 8
	sinkGRPC     = 9
	sinkHTTP     = 10
	adminOffset  = 20
	PortsInUse   = adminOffset + 10
	environment  = "FLEET_PLAN"
	DefaultPort  = 8500
	NaturalEvery = 15 * time.Second // contrib's default for runtime metrics
)

// What processes with a bridge send of client_golang's Go collector.
const (
	BridgeAll  = "all"
	BridgeLean = "lean" // all but the counters of GODEBUG settings, which are sixty
	BridgeNone = "none"
)

// Plan is what the supervisor tells every process.
type Plan struct {
	Base         int           `json:"base"`
	Dir          string        `json:"dir"` // the run's folder: certificates, logs
	Seed         uint64        `json:"seed"`
	Rate         float64       `json:"rate"`
	MetricsEvery time.Duration `json:"metrics_every"`
	OTLPGRPC     string        `json:"otlp_grpc"` // host:port
	OTLPHTTP     string        `json:"otlp_http"`
	Redis        string        `json:"redis"`
	Kafka        string        `json:"kafka"`
	Bridge       string        `json:"bridge"`
}

// Find returns the process of that name.
func Find(name string) (Process, error) {
	for _, p := range Processes {
		if p.Name == name {
			return p, nil
		}
	}
	return Process{}, fmt.Errorf("no process %q in the fleet", name)
}

// Address of a process's own port.
func (p Plan) Address(name string) string {
	process, err := Find(name)
	if err != nil {
		panic(err)
	}
	return p.at(process.Port)
}

// Admin is the address of a process's admin port.
func (p Plan) Admin(name string) string {
	for i, process := range Processes {
		if process.Name == name {
			return p.at(adminOffset + i)
		}
	}
	panic("no process " + name)
}

// Named lists all addresses that a run listens on, with what listens there.
func (p Plan) Named(recording bool) map[string]string {
	named := map[string]string{}
	for _, process := range Processes {
		if process.Port >= 0 {
			named[p.at(process.Port)] = process.Name
		}
		named[p.Admin(process.Name)] = process.Name + "'s admin port"
	}
	if p.Redis == p.RedisDefault() {
		named[p.Redis] = "redis"
	}
	if p.Kafka == p.KafkaDefault() {
		named[p.Kafka] = "kafka"
	}
	if recording {
		named[p.SinkGRPC()], named[p.SinkHTTP()] = "the recorder (gRPC)", "the recorder (HTTP)"
	}
	return named
}

// RedisDefault is where the embedded Redis listens.
func (p Plan) RedisDefault() string { return p.at(redisOffset) }

// KafkaDefault is where the embedded Kafka broker listens.
func (p Plan) KafkaDefault() string { return p.at(kafkaOffset) }

// KafkaPort is the port of the embedded Kafka broker.
func (p Plan) KafkaPort() int { return p.Base + kafkaOffset }

// SinkGRPC is where the recorder takes OTLP over gRPC.
func (p Plan) SinkGRPC() string { return p.at(sinkGRPC) }

// SinkHTTP is where the recorder takes OTLP over HTTP.
func (p Plan) SinkHTTP() string { return p.at(sinkHTTP) }

func (p Plan) at(offset int) string { return fmt.Sprintf("127.0.0.1:%d", p.Base+offset) }

// Environment is how the plan reaches a child process.
func (p Plan) Environment() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return environment + "=" + string(text)
}

// FromEnvironment reads the plan in a child process.
func FromEnvironment() (Plan, error) {
	var p Plan
	text, ok := os.LookupEnv(environment)
	if !ok {
		return p, fmt.Errorf("%s is not set: services are started by `fleet run`", environment)
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, fmt.Errorf("%s: %w", environment, err)
	}
	return p, nil
}
