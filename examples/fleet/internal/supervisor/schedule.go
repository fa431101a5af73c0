package supervisor

import (
	"context"
	"fmt"
	"time"

	"example.com/blindspot/fleet/internal/fault"
)

// follow switches one fault on and off at its times, in the processes that it belongs to.
func (f *fleet) follow(ctx context.Context, begin time.Time, request fault.Request) {
	if !sleepUntil(ctx, begin.Add(request.From)) {
		return
	}
	from := time.Now()
	fmt.Printf("fleet: %5.1fs %s on: %s\n", time.Since(begin).Seconds(), request.Fault.Name, request.Fault.What)
	windowCtx, cancel := context.WithDeadline(ctx, begin.Add(request.Till))
	defer cancel()

	f.mu.Lock()
	f.active[request.Fault] = request.Value
	f.mu.Unlock()
	if request.Fault.Supervised {
		f.harm(windowCtx, request.Fault)
	} else {
		f.switchAll(request, true)
	}
	<-windowCtx.Done()
	f.mu.Lock()
	delete(f.active, request.Fault)
	f.mu.Unlock()
	// What is broken till the end stays broken while the last requests are served.
	if !request.TillEnd {
		f.switchAll(request, false)
		fmt.Printf("fleet: %5.1fs %s off\n", time.Since(begin).Seconds(), request.Fault.Name)
	}
	f.note(request, from, time.Now())
}

func (f *fleet) switchAll(request fault.Request, on bool) {
	if request.Fault.Supervised {
		return
	}
	for _, name := range request.Fault.At {
		f.mu.Lock()
		c := f.children[name]
		f.mu.Unlock()
		if c == nil {
			continue // not up yet: it is told when its time comes
		}
		if err := c.set(request.Fault, on, request.Value); err != nil {
			f.failed <- fmt.Errorf("switching %s: %w", request.Fault.Name, err)
		}
	}
}

// harm does the faults that are done to a process from outside.
func (f *fleet) harm(ctx context.Context, trouble *fault.Fault) {
	switch trouble {
	case fault.CrashWithoutFlush:
		for ctx.Err() == nil {
			// Spans leave every 5 s: in between, some are in the queue.
			if !sleepUntil(ctx, time.Now().Add(7*time.Second)) {
				return
			}
			f.restart(trouble.At[0], "crashed", func(c *child) { _ = c.post("/crash"); <-c.exited })
			f.struck(trouble)
			if !sleepUntil(ctx, time.Now().Add(5*time.Second)) {
				return
			}
		}
	case fault.RollingRestart:
		for _, name := range trouble.At {
			if !sleepUntil(ctx, time.Now().Add(3*time.Second)) {
				return
			}
			f.restart(name, "restarted", func(c *child) { f.collect(c); _ = c.stop(15 * time.Second) })
			f.struck(trouble)
		}
	}
}

// restart ends a process in the given way, brings it back and tells it of its faults.
func (f *fleet) restart(name, how string, end func(*child)) {
	f.mu.Lock()
	c := f.children[name]
	f.planned[name] = true
	f.mu.Unlock()
	end(c)
	f.ended(c, how)
	if err := f.start(c.Process); err != nil {
		f.failed <- err
		return
	}
	f.mu.Lock()
	c = f.children[name]
	active := make(map[*fault.Fault]string, len(f.active))
	for on, value := range f.active {
		active[on] = value
	}
	f.mu.Unlock()
	if err := c.ready(15 * time.Second); err != nil {
		f.failed <- err
		return
	}
	for on, value := range active {
		for _, at := range on.At {
			if at == name && !on.Supervised {
				_ = c.set(on, true, value)
			}
		}
	}
}

func (f *fleet) struck(trouble *fault.Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.strikes[trouble.Name]++
}

// note remembers the fault for the truth; instances and counts follow at the end.
func (f *fleet) note(request fault.Request, from, till time.Time) {
	trouble := request.Fault
	noted := TruthFault{
		Name: trouble.Name, Family: trouble.Family, Value: request.Value, What: trouble.What, At: trouble.At,
		From: nanos(from), Till: nanos(till), Expect: []TruthExpect{}, Silent: trouble.Silent, Note: trouble.Note,
	}
	for _, expect := range trouble.Expect {
		noted.Expect = append(noted.Expect, TruthExpect{Expect: expect})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.truth.Faults = append(f.truth.Faults, noted)
}

func (f *fleet) finishTruth(o Options) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.truth.Ended = nanos(time.Now())
	instances := map[string]string{}
	for _, process := range f.truth.Processes {
		instances[process.Name] = process.Instance
	}
	for i := range f.truth.Faults {
		noted := &f.truth.Faults[i]
		noted.Strikes = f.strikes[noted.Name]
		for j := range noted.Expect {
			noted.Expect[j].Instance = instances[noted.Expect[j].Process]
		}
	}
	fmt.Printf("fleet: the truth is in %s\n", o.Truth)
}

// sleepUntil says whether the time came before ctx ended.
func sleepUntil(ctx context.Context, at time.Time) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Until(at)):
		return true
	}
}
