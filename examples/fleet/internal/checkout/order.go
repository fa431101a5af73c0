package checkout

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-redsync/redsync/v4"

	"example.com/blindspot/fleet/internal/fault"
	"example.com/blindspot/fleet/internal/wire"
	"example.com/blindspot/fleet/shop"
)

const orderLockTTL = 300 * time.Millisecond

var orderNumber atomic.Int64

// order reserves, charges and publishes, under a lock of its own.
func (d *desk) order(w http.ResponseWriter, r *http.Request) {
	item := r.FormValue("item")
	number := fmt.Sprintf("%d-%d", time.Now().UnixMilli(), orderNumber.Add(1))
	if err := d.place(r.Context(), number, item); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

func (d *desk) place(ctx context.Context, number, item string) error {
	lock := d.locks.NewMutex("lock:order:"+number, redsync.WithExpiry(orderLockTTL), redsync.WithTries(3))
	if err := lock.LockContext(ctx); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	// Whether the lock still was ours is for the traces to show: orders go on either way, as many real ones do.
	defer func() { _, _ = lock.UnlockContext(ctx) }()

	d.check(ctx)
	if err := d.reserve(ctx, item); err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	if fault.LockOverrun.Strike() {
		time.Sleep(450 * time.Millisecond)
	}
	if err := d.payment.charge(ctx); err != nil {
		return fmt.Errorf("charge: %w", err)
	}
	return d.orders.publish(ctx, number)
}

// check validates and then prices. Keeping the context of the first, finished step is the bug of sibling_parent.
func (d *desk) check(ctx context.Context) {
	validateCtx, validate := tracer.Start(ctx, "order.validate")
	time.Sleep(500 * time.Microsecond)
	validate.End()
	if fault.SiblingParent.Strike() {
		ctx = validateCtx
		time.Sleep(time.Millisecond)
	}
	_, price := tracer.Start(ctx, "order.price")
	time.Sleep(500 * time.Microsecond)
	price.End()
}

func (d *desk) reserve(ctx context.Context, item string) error {
	if fault.CancelIgnored.On() && orderNumber.Load()%6 == 0 {
		item = wire.SlowItem
		limited, cancel := context.WithTimeout(ctx, 150*time.Millisecond)
		defer cancel()
		ctx = limited
	}
	_, err := d.inventory.Reserve(ctx, &shop.ItemRequest{Item: item})
	return err
}
