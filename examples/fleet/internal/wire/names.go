package wire

const (
	// OrdersTopic is where checkout tells shipping of orders.
	OrdersTopic = "orders"
	// SlowItem is the one whose reservation takes long while cancel_ignored is on.
	SlowItem = "item-0"
	// Items is how many things the shop sells: item-0, item-1, ...
	Items = 20
)
