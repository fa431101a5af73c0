// Command fleet is a small shop of Go services that can be broken on purpose, to prove what Blindspot finds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"example.com/blindspot/fleet/internal/cart"
	"example.com/blindspot/fleet/internal/checkout"
	"example.com/blindspot/fleet/internal/edge"
	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/frame"
	"example.com/blindspot/fleet/internal/inventory"
	"example.com/blindspot/fleet/internal/payment"
	"example.com/blindspot/fleet/internal/plan"
	"example.com/blindspot/fleet/internal/prober"
	"example.com/blindspot/fleet/internal/proxy"
	"example.com/blindspot/fleet/internal/shipping"
	"example.com/blindspot/fleet/internal/shopper"
	"example.com/blindspot/fleet/internal/supervisor"
)

var services = map[string]frame.Service{
	"cart-1": cart.Run, "cart-2": cart.Run, "checkout": checkout.Run, "edge": edge.Run, "inventory": inventory.Run,
	"payment": payment.Run, "prober": prober.Run, "proxy": proxy.Run, "shipping": shipping.Run, "shopper": shopper.Run,
}

func main() {
	if err := dispatch(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func dispatch(args []string) error {
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "run":
		return run(args)
	case "list":
		return list()
	case "service":
		if len(args) == 1 && services[args[0]] != nil {
			return frame.Run(args[0], services[args[0]])
		}
	}
	return fmt.Errorf("usage: fleet run [flags] (see fleet run -h), fleet list, fleet service NAME")
}

func run(args []string) error {
	flags := flag.NewFlagSet("fleet run", flag.ContinueOnError)
	faults := flags.String("faults", "none", "NAME[=VALUE][@FROM[-TILL]],... or none; fleet list shows the names")
	duration := flags.Duration("duration", 60*time.Second, "how long the load runs")
	rate := flags.Float64("rate", 50, "requests a second")
	seed := flags.Uint64("seed", 1, "seed of the load")
	record := flags.String("record", "", "write the OTLP requests to this file (FILE.otlp.pb.gz) instead of sending them to a gateway")
	truth := flags.String("truth", "", "where to write what was broken (beside the recording, else truth.json)")
	base := flags.Int("port", plan.DefaultPort, "first of the ports that the fleet listens on")
	every := flags.Duration("metrics-every", 2*time.Second, "how often metrics are sent (contrib's runtime metrics refresh every 15s by default)")
	bridge := flags.String("bridge", plan.BridgeAll, "what half of the services send of client_golang's Go collector: all, lean (without the counters of GODEBUG settings), none")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *bridge != plan.BridgeAll && *bridge != plan.BridgeLean && *bridge != plan.BridgeNone:
		return fmt.Errorf("--bridge is all, lean or none (got %q)", *bridge)
	case *duration <= 0 || *rate <= 0 || *every <= 0:
		return fmt.Errorf("--duration, --rate and --metrics-every must be above zero")
	}
	requests, err := fault.Parse(*faults, *duration)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return supervisor.Run(ctx, supervisor.Options{
		Command: "npm run fleet -- " + strings.Join(args, " "), Faults: requests, Duration: *duration, Rate: *rate, Seed: *seed,
		Record: *record, Truth: truthPath(*truth, *record), Base: *base, MetricsEvery: *every, Bridge: *bridge,
	})
}

// list prints the table of faults as it stands in the README.
func list() error {
	fmt.Println("| fault | family | what it does | where | must be found |")
	fmt.Println("| --- | --- | --- | --- | --- |")
	for _, f := range fault.All() {
		fmt.Printf("| `%s` | %s | %s | %s | %s |\n", f.Title(), f.Family, f.What+f.Aside(), strings.Join(f.At, ", "), f.Owed())
	}
	return nil
}

// truthPath is FILE.truth.json for a recording FILE.otlp.pb.gz.
func truthPath(asked, record string) string {
	switch {
	case asked != "":
		return asked
	case record != "":
		return strings.TrimSuffix(record, ".otlp.pb.gz") + ".truth.json"
	}
	return "truth.json"
}
