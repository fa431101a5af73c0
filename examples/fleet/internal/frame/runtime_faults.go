package frame

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"example.com/blindspot/fleet/internal/fault"
)

// A pressure starts when its fault goes on; what it returns ends it.
type pressure struct {
	fault *fault.Fault
	begin func() (end func())
}

var pressures = []pressure{
	{fault.GogcOff, func() func() { return setGCPercent(-1) }},
	{fault.Gogc5, func() func() { return setGCPercent(5) }},
	{fault.GogcOffWithLimit, beginGogcOffWithLimit},
	{fault.MemoryLimitTight, beginMemoryLimitTight},
	{fault.AllocSurge, func() func() { return repeat(10*time.Millisecond, allocate) }},
	{fault.CacheWarmup, beginCacheWarmup},
	{fault.CPUStarved, beginCPUStarved},
	{fault.ForcedGC, func() func() { return repeat(200*time.Millisecond, func() { fault.ForcedGC.Strike(); runtime.GC() }) }},
	{fault.LongPause, beginLongPause},
}

// watchRuntimeFaults begins and ends pressures as their faults are switched.
func watchRuntimeFaults(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		ends := make([]func(), len(pressures))
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for ctx.Err() == nil {
			for i, p := range pressures {
				switch on := p.fault.On(); {
				case on && ends[i] == nil:
					ends[i] = p.begin()
				case !on && ends[i] != nil:
					ends[i]()
					ends[i] = nil
				}
			}
			select {
			case <-ctx.Done():
			case <-ticker.C:
			}
		}
		for _, end := range ends {
			if end != nil {
				end()
			}
		}
	})
	return func() { cancel(); done.Wait() }
}

func setGCPercent(percent int) func() {
	before := debug.SetGCPercent(percent)
	return func() { debug.SetGCPercent(before) }
}

func beginGogcOffWithLimit() func() {
	limit := debug.SetMemoryLimit(256 << 20)
	end := setGCPercent(-1)
	return func() { end(); debug.SetMemoryLimit(limit) }
}

// beginMemoryLimitTight puts 64 MB of live pointers under a limit of 6 MB more than what is in use, and allocates.
func beginMemoryLimitTight() func() {
	live := make([]*[1024]byte, 64<<10)
	for i := range live {
		live[i] = new([1024]byte)
	}
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	limit := debug.SetMemoryLimit(int64(stats.HeapAlloc+stats.StackSys+stats.MSpanSys+stats.MCacheSys+stats.GCSys+stats.OtherSys) + 6<<20)
	stop := repeat(10*time.Millisecond, allocate)
	return func() {
		stop()
		debug.SetMemoryLimit(limit)
		runtime.KeepAlive(live)
	}
}

func beginCacheWarmup() func() {
	stop := repeat(10*time.Millisecond, allocate)
	timer := time.AfterFunc(fault.CacheWarmup.Duration(), stop)
	return func() { timer.Stop(); stop() }
}

// beginCPUStarved takes all processors but one from this process and lets eight goroutines fight for it.
func beginCPUStarved() func() {
	processors := runtime.GOMAXPROCS(1)
	ctx, cancel := context.WithCancel(context.Background())
	for range 8 {
		go func() {
			for sum := 0; ctx.Err() == nil; {
				for i := range 1 << 16 {
					sum += i
				}
			}
		}()
	}
	return func() { cancel(); runtime.GOMAXPROCS(processors) }
}

// beginLongPause copies large buffers while collections start. The runtime preempts goroutines by signals since Go 1.14,
// but not inside a memory copy, so stopping the world waits for its end. What was never written is one shared page of
// zeros, which comes out of the cache: a copy of that is over in 5 ms, one of written memory takes 15 ms and more.
func beginLongPause() func() {
	from, to := make([]byte, 256<<20), make([]byte, 256<<20)
	for i := range from {
		from[i] = byte(i)
	}
	stopCopy := repeat(time.Millisecond, func() { copy(to, from) })
	stopCollect := repeat(250*time.Millisecond, func() { fault.LongPause.Strike(); runtime.GC() })
	return func() { stopCopy(); stopCollect() }
}

var sink []byte

// allocate makes 1 MB of short-lived garbage; every 10 ms that is 100 MB/s.
func allocate() {
	for range 64 {
		sink = make([]byte, 16<<10)
	}
}

// repeat calls work at an interval in a goroutine of its own until stopped.
func repeat(every time.Duration, work func()) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				work()
			}
		}
	}()
	return cancel
}
