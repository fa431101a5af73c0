package supervisor

import (
	"encoding/json"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/plan"
)

// Truth is what a run did: the answer that findings are compared with.
type Truth struct {
	Schema  string  `json:"schema"`
	Command string  `json:"command"`
	Seed    uint64  `json:"seed"`
	Rate    float64 `json:"rate"`
	Seconds float64 `json:"duration_seconds"`
	// MetricsEvery and TimeFactor: how much more often than by contrib's default runtime metrics were sent.
	MetricsEvery float64           `json:"metrics_every_seconds"`
	TimeFactor   float64           `json:"time_factor"`
	Started      string            `json:"started_unix_nano"`
	Ended        string            `json:"ended_unix_nano"`
	Versions     map[string]string `json:"versions"`
	Processes    []TruthProcess    `json:"processes"`
	Faults       []TruthFault      `json:"faults"`
}

// TruthProcess is one life of a process.
type TruthProcess struct {
	Name     string `json:"name"`
	Service  string `json:"service"`
	Instance string `json:"instance"`
	Host     string `json:"host"`
	Started  string `json:"started_unix_nano"`
	Ended    string `json:"ended_unix_nano"`
	How      string `json:"ended_how"`
}

// TruthFault is a fault, when it was on, how often it was provoked, and what must be found.
type TruthFault struct {
	Name    string        `json:"name"`
	Family  fault.Family  `json:"family"`
	Value   string        `json:"value,omitempty"`
	What    string        `json:"what"`
	At      []string      `json:"at"`
	From    string        `json:"from_unix_nano"`
	Till    string        `json:"till_unix_nano"`
	Strikes int64         `json:"strikes"`
	Expect  []TruthExpect `json:"expect"`
	Silent  []string      `json:"silent,omitempty"`
	Note    string        `json:"note,omitempty"`
}

// TruthExpect is a finding that must be there, with the instance that the run gave the process.
type TruthExpect struct {
	fault.Expect
	Instance string `json:"instance,omitempty"`
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

// versions of Go and of the libraries whose telemetry is shown.
func versions() map[string]string {
	found := map[string]string{"go": strings.TrimPrefix(runtime.Version(), "go")}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return found
	}
	for _, module := range info.Deps {
		switch {
		case strings.HasPrefix(module.Path, "go.opentelemetry.io/"), strings.HasPrefix(module.Path, "github.com/twmb/"),
			module.Path == "google.golang.org/grpc", module.Path == "github.com/redis/go-redis/extra/redisotel/v9",
			module.Path == "github.com/go-redsync/redsync/v4", module.Path == "github.com/prometheus/client_golang":
			found[module.Path] = module.Version
		}
	}
	return found
}

func newTruth(o Options, p plan.Plan) *Truth {
	return &Truth{
		Schema: "blindspot.fleet-truth/1", Command: o.Command, Seed: p.Seed, Rate: p.Rate,
		Seconds: o.Duration.Seconds(), MetricsEvery: p.MetricsEvery.Seconds(),
		TimeFactor: float64(plan.NaturalEvery) / float64(p.MetricsEvery), Versions: versions(),
		Processes: []TruthProcess{}, Faults: []TruthFault{},
	}
}

func (t *Truth) write(path string) error {
	text, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
