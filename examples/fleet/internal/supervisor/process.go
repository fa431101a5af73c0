package supervisor

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/frame"
	"example.com/blindspot/fleet/internal/plan"
)

// child is a process of the fleet. Its standard input is a pipe that it watches: closing it asks the child to stop, and
// it closes by itself when the supervisor dies, so that nothing is left behind.
type child struct {
	plan.Process
	admin    string
	command  *exec.Cmd
	stdin    io.Closer
	exited   chan struct{}
	exitErr  error
	lastMu   sync.Mutex
	last     []string
	Instance string
	Started  time.Time
}

const lastLines = 30

func startChild(p plan.Plan, process plan.Process) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{Process: process, admin: "http://" + p.Admin(process.Name), exited: make(chan struct{}), Started: time.Now()}
	c.command = exec.Command(self, "service", process.Name)
	c.command.Env = append(childEnvironment(), p.Environment())
	if c.stdin, err = c.command.StdinPipe(); err != nil {
		return nil, err
	}
	output, write := io.Pipe()
	c.command.Stdout, c.command.Stderr = write, write
	if err := c.command.Start(); err != nil {
		return nil, err
	}
	reading := make(chan struct{})
	go func() { defer close(reading); c.keepLast(output) }()
	go func() {
		c.exitErr = c.command.Wait()
		_ = write.Close()
		<-reading
		close(c.exited)
	}()
	return c, nil
}

// childEnvironment leaves out what would change the telemetry or the runtime of the services.
func childEnvironment() []string {
	var kept []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "OTEL_") && name != "GOGC" && name != "GOMEMLIMIT" && name != "GOMAXPROCS" {
			kept = append(kept, variable)
		}
	}
	return kept
}

func (c *child) keepLast(output io.Reader) {
	scanner := bufio.NewScanner(output)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		c.lastMu.Lock()
		c.last = append(c.last, scanner.Text())
		if len(c.last) > lastLines {
			c.last = c.last[1:]
		}
		c.lastMu.Unlock()
	}
}

// died is the error of a child that ended although nobody asked it to.
func (c *child) died() error {
	c.lastMu.Lock()
	defer c.lastMu.Unlock()
	lines := strings.Join(c.last, "\n  ")
	if lines == "" {
		lines = "(it said nothing)"
	}
	return fmt.Errorf("%s died (%v); its last lines:\n  %s", c.Name, c.exitErr, lines)
}

// ready waits until the child's admin port answers.
func (c *child) ready(timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	for time.Now().Before(deadline) {
		select {
		case <-c.exited:
			return c.died()
		default:
		}
		if report, err := c.report(); err == nil && report.PID == c.command.Process.Pid {
			c.Instance = report.Instance
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("%s did not come up within %s", c.Name, timeout)
}

var adminClient = &http.Client{Timeout: 2 * time.Second}

func (c *child) report() (frame.Report, error) {
	var report frame.Report
	response, err := adminClient.Get(c.admin + "/faults")
	if err != nil {
		return report, err
	}
	defer response.Body.Close()
	return report, json.NewDecoder(response.Body).Decode(&report)
}

func (c *child) set(f *fault.Fault, on bool, value string) error {
	query := url.Values{"on": {fmt.Sprint(on)}, "value": {value}}
	return c.post("/faults/" + f.Name + "?" + query.Encode())
}

func (c *child) post(path string) error {
	response, err := adminClient.Post(c.admin+path, "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s answered %s", c.Name, path, response.Status)
	}
	return nil
}

// stop asks the child to end, and kills it when it does not.
func (c *child) stop(grace time.Duration) error {
	_ = c.stdin.Close()
	select {
	case <-c.exited:
	case <-time.After(grace):
		_ = c.command.Process.Kill()
		<-c.exited
		return fmt.Errorf("%s did not stop within %s and was killed", c.Name, grace)
	}
	if c.exitErr != nil {
		return c.died()
	}
	return nil
}
