package fault

import (
	"fmt"
	"strings"
	"time"
)

// Request is one fault as the command line asks for it: NAME[=VALUE][@FROM[-TILL]], times from the start of the load.
type Request struct {
	Fault *Fault
	Value string
	From  time.Duration
	Till  time.Duration
	// TillEnd says that it ends with the load.
	TillEnd bool
}

// Parse reads a comma-separated list of requests; "none" and "" are no fault at all.
func Parse(list string, duration time.Duration) ([]Request, error) {
	var requests []Request
	for _, text := range strings.Split(list, ",") {
		text = strings.TrimSpace(text)
		if text == "" || text == "none" {
			continue
		}
		request, err := parseOne(text, duration)
		if err != nil {
			return nil, err
		}
		requests = append(requests, request)
	}
	return requests, nil
}

func parseOne(text string, duration time.Duration) (Request, error) {
	name, window, _ := strings.Cut(text, "@")
	name, value, _ := strings.Cut(name, "=")
	f, err := Find(name)
	if err != nil {
		return Request{}, err
	}
	if err := f.checkValue(value); err != nil {
		return Request{}, err
	}
	if value == "" {
		value = f.Value
	}
	request := Request{Fault: f, Value: value, Till: duration, TillEnd: true}
	if window == "" {
		return request, nil
	}
	from, till, hasTill := strings.Cut(window, "-")
	if request.From, err = time.ParseDuration(from); err != nil {
		return Request{}, fmt.Errorf("%s: the part after @ is FROM or FROM-TILL, such as 10s-30s", text)
	}
	if hasTill {
		if request.Till, err = time.ParseDuration(till); err != nil {
			return Request{}, fmt.Errorf("%s: the part after @ is FROM or FROM-TILL, such as 10s-30s", text)
		}
	}
	request.TillEnd = request.Till == duration
	if request.From >= request.Till || request.Till > duration {
		return Request{}, fmt.Errorf("%s: the window must lie inside the %s of the run", text, duration)
	}
	return request, nil
}
