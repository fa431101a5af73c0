// The OpenTelemetry Go SDK as a sender, for tests: `go-sender spans` or `go-sender shop`.
package main

import (
	"log"
	"os"

	"go.opentelemetry.io/otel"
)

func main() {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(check))
	if len(os.Args) < 2 {
		log.Fatal("say what to send: spans or shop")
	}
	switch what := os.Args[1]; what {
	case "spans":
		sendSpans(os.Args[2:])
	case "shop":
		runShop(os.Args[2:])
	default:
		log.Fatalf("there is no %q; there are spans and shop", what)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
