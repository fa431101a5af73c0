package checkout

import (
	"context"
	"time"

	"github.com/go-redsync/redsync/v4"

	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/shop"
)

const (
	settleTTL   = 600 * time.Millisecond
	settleEvery = 1500 * time.Millisecond
)

// settle runs a job that holds one lock for longer than its TTL and extends it meanwhile, as redsync wants it.
// Its trace is an honest background root.
func (d *desk) settle(ctx context.Context) {
	ticker := time.NewTicker(settleEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if fault.LockOverlap.On() {
			// Two workers that both trust the lock: the second gets it when the first one's TTL has run out.
			for range 2 {
				d.jobs.Go(func() { d.settleOnce(context.Background(), 20) })
			}
			continue
		}
		d.settleOnce(context.Background(), 1)
	}
}

func (d *desk) settleOnce(ctx context.Context, tries int) {
	ctx, span := tracer.Start(ctx, "job.settle")
	defer span.End()
	lock := d.locks.NewMutex("lock:settlement", redsync.WithExpiry(settleTTL), redsync.WithTries(tries), redsync.WithRetryDelay(50*time.Millisecond))
	if lock.LockContext(ctx) != nil {
		return
	}
	defer func() { _, _ = lock.UnlockContext(ctx) }()

	switch {
	case fault.LockOverlap.Strike():
		d.settleWork(ctx, 900*time.Millisecond)
	case fault.LockNoRenewal.Strike():
		d.settleWork(ctx, settleTTL*8/10)
	default:
		for range 4 {
			d.settleWork(ctx, 200*time.Millisecond)
			_, _ = lock.ExtendContext(ctx)
		}
	}
}

// settleWork ends with a call, so that the trace shows work under the lock until its end.
func (d *desk) settleWork(ctx context.Context, work time.Duration) {
	ctx, span := tracer.Start(ctx, "settle.batch")
	defer span.End()
	time.Sleep(work)
	_, _ = d.inventory.Price(ctx, &shop.ItemRequest{Item: "item-2"})
}
