// Package fault is the fleet's list of troubles that can be switched on, and of look-alikes that resemble them.
//
// One file holds one family. The list feeds everything that speaks of faults: the command line and its errors, the
// admin ports, the services (which ask whether theirs is on) and truth.json (which says what must be found).
package fault

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Family groups faults by the processor of the gateway that has to find them.
type Family string

// The families, in the order in which they are listed.
const (
	Propagation Family = "propagation"
	Lifetime    Family = "lifetime"
	Runtime     Family = "runtime"
	Around      Family = "around"
	LookAlike   Family = "look-alike"
)

// Edge names the two sides of a call between services.
type Edge struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Boundary string `json:"boundary"`
}

// Expect is a finding that the gateway owes for a fault; empty fields are not compared.
type Expect struct {
	Rule  string `json:"rule"`
	Cause string `json:"cause,omitempty"`
	// Accept lists causes that the telemetry cannot tell from the true one.
	Accept    []string `json:"accept,omitempty"`
	Service   string   `json:"service,omitempty"`
	Process   string   `json:"process,omitempty"` // becomes the instance id in truth.json
	Operation string   `json:"operation,omitempty"`
	Edge      *Edge    `json:"edge,omitempty"`
}

// Fault is one trouble: where it sits, what it does, what must be found.
type Fault struct {
	Name   string
	Family Family
	What   string
	// At lists the processes that misbehave; only they are told that the fault is on.
	At []string
	// Supervised faults are done to a process by the supervisor (kill, restart) instead of in it.
	Supervised bool
	// Value is the default of NAME=VALUE, empty where the fault takes none.
	Value string
	// Expect is what must be found; a look-alike expects nothing and names the rules that must stay silent.
	Expect []Expect
	Silent []string
	// Note says where the fault is not quite what its name says, and why.
	Note string

	*state
}

// state is what changes while a process runs.
type state struct {
	on    atomic.Bool
	since atomic.Int64 // when it was last switched on, in ns
	until atomic.Int64 // when it was last switched off
	value atomic.Pointer[string]
	count atomic.Int64
}

var (
	ordered []*Fault
	byName  = map[string]*Fault{}
)

// add is called while the package's variables are made, once a fault.
func add(f Fault) *Fault {
	f.state = &state{}
	byName[f.Name] = &f
	ordered = append(ordered, &f)
	return &f
}

// All lists the faults by family.
func All() []*Fault {
	rank := map[Family]int{Propagation: 0, Lifetime: 1, Runtime: 2, Around: 3, LookAlike: 4}
	all := append([]*Fault(nil), ordered...)
	sort.SliceStable(all, func(a, b int) bool { return rank[all[a].Family] < rank[all[b].Family] })
	return all
}

// Find returns the fault of that name, or an error that lists the known ones.
func Find(name string) (*Fault, error) {
	if f, ok := byName[name]; ok {
		return f, nil
	}
	var known strings.Builder
	var family Family
	for _, f := range All() {
		if f.Family != family {
			family = f.Family
			fmt.Fprintf(&known, "\n  %s:", family)
		}
		known.WriteString(" " + f.Name)
	}
	return nil, fmt.Errorf("unknown fault %q; known are none and%s", name, known.String())
}

// Set switches the fault in this process.
func (f *Fault) Set(on bool, value string) {
	if value == "" {
		value = f.Value
	}
	f.value.Store(&value)
	switch was := f.on.Swap(on); {
	case on && !was:
		f.since.Store(time.Now().UnixNano())
	case was && !on:
		f.until.Store(time.Now().UnixNano())
	}
}

// On says whether this process has to misbehave.
func (f *Fault) On() bool { return f.on.Load() }

// OnAt says whether the fault was on at that time, for what is exported later than it happens.
func (f *Fault) OnAt(at time.Time) bool {
	ns, since := at.UnixNano(), f.since.Load()
	return since > 0 && ns >= since && (f.on.Load() || ns < f.until.Load())
}

// Strike is On for faults that can be counted: each true is one more time that the fault was provoked.
func (f *Fault) Strike() bool {
	if !f.on.Load() {
		return false
	}
	f.count.Add(1)
	return true
}

// Strikes says how often the fault was provoked in this process.
func (f *Fault) Strikes() int64 { return f.count.Load() }

// Since says when the fault was last switched on.
func (f *Fault) Since() time.Time { return time.Unix(0, f.since.Load()) }

// Duration reads the value of faults like clock_skew=5ms.
func (f *Fault) Duration() time.Duration {
	d, err := time.ParseDuration(f.text())
	if err != nil {
		return 0
	}
	return d
}

// PartsPerMillion reads the value of faults like clock_drift=200ppm.
func (f *Fault) PartsPerMillion() float64 {
	ppm, err := parsePPM(f.text())
	if err != nil {
		return 0
	}
	return ppm
}

func parsePPM(text string) (float64, error) {
	return strconv.ParseFloat(strings.TrimSuffix(text, "ppm"), 64)
}

func (f *Fault) text() string {
	if v := f.value.Load(); v != nil {
		return *v
	}
	return f.Value
}

// checkValue refuses a value that the fault could not read.
func (f *Fault) checkValue(value string) error {
	switch {
	case value == "":
		return nil
	case f.Value == "":
		return fmt.Errorf("fault %s takes no value (got %q)", f.Name, value)
	case strings.HasSuffix(f.Value, "ppm"):
		if _, err := parsePPM(value); err != nil || !strings.HasSuffix(value, "ppm") {
			return fmt.Errorf("fault %s wants parts per million such as %s (got %q)", f.Name, f.Value, value)
		}
		return nil
	}
	if _, err := time.ParseDuration(value); err != nil {
		return fmt.Errorf("fault %s wants a duration such as %s (got %q)", f.Name, f.Value, value)
	}
	return nil
}

// Title is how the fault is asked for, its default value included.
func (f *Fault) Title() string {
	if f.Value == "" {
		return f.Name
	}
	return f.Name + "=" + f.Value
}

// Aside is the note in brackets, for tables.
func (f *Fault) Aside() string {
	if f.Note == "" {
		return ""
	}
	return " (" + f.Note + ")"
}

// Owed says in short what must be found, or must not.
func (f *Fault) Owed() string {
	if len(f.Expect) == 0 {
		return "nothing: " + strings.Join(f.Silent, ", ") + " stay silent"
	}
	var owed []string
	for _, e := range f.Expect {
		text := e.Rule
		if e.Cause != "" {
			text += " " + e.Cause
		}
		if e.Edge != nil {
			text += " " + e.Edge.From + "→" + e.Edge.To
		}
		owed = append(owed, text)
	}
	return strings.Join(owed, "; ")
}
