package supervisor

import (
	"time"

	"github.com/alicebob/miniredis/v2"
)

// passTime tells miniredis of real time every few milliseconds: it has a clock of its own that stands still.
func passTime(server *miniredis.Miniredis) (stop func()) {
	done := make(chan struct{})
	go func() {
		last := time.Now()
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case now := <-ticker.C:
				server.FastForward(now.Sub(last))
				last = now
			}
		}
	}()
	return func() { close(done) }
}
