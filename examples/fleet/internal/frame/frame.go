// Package frame is what all processes of the fleet share: telemetry, an admin port, an orderly end.
package frame

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/blindspot/fleet/internal/plan"
	"example.com/blindspot/fleet/internal/telemetry"
)

// Env is what a service gets from the frame.
type Env struct {
	Plan     plan.Plan
	Process  plan.Process
	Instance string
	Registry *prometheus.Registry
}

// Service runs until ctx ends, then finishes what it is doing and returns.
type Service func(ctx context.Context, env *Env) error

// Run runs a service until its standard input closes: the supervisor holds the other end of that pipe, so that nothing
// outlives it, however it ends.
func Run(name string, serve Service) error {
	p, err := plan.FromEnvironment()
	if err != nil {
		return err
	}
	process, err := plan.Find(name)
	if err != nil {
		return err
	}
	env := &Env{Plan: p, Process: process, Instance: uuid.NewString(), Registry: prometheus.NewRegistry()}

	// A terminal sends Ctrl-C to all processes of the run: only the supervisor acts on it.
	signal.Ignore(os.Interrupt)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
		// A service that does not stop must not hold up the run.
		time.Sleep(15 * time.Second)
		os.Exit(1)
	}()

	stopTelemetry, err := telemetry.Start(ctx, p, process, env.Instance, env.Registry)
	if err != nil {
		return fmt.Errorf("telemetry: %w", err)
	}
	admin, err := net.Listen("tcp", p.Admin(name))
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(admin, adminHandler(env)) }()
	stopRuntimeFaults := watchRuntimeFaults(ctx)

	err = serve(ctx, env)
	stopRuntimeFaults()
	flushCtx, cancelFlush := context.WithTimeout(context.Background(), 12*time.Second)
	defer cancelFlush()
	return errors.Join(err, stopTelemetry(flushCtx))
}

// ServeHTTP serves until ctx ends and lets running requests finish.
func ServeHTTP(ctx context.Context, server *http.Server, listener net.Listener) error {
	go func() {
		<-ctx.Done()
		stopCtx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		_ = server.Shutdown(stopCtx)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
