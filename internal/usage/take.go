package usage

import (
	"context"
	"fmt"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// maxUnits is how many units can be taken and used at once, so that sums have room.
const maxUnits = 1_000_000_000

func checkUnits(units int64) error {
	if units < 1 || units > maxUnits {
		return fmt.Errorf("usage: %w", storage.Invalid("units", "1 to %d", maxUnits))
	}
	return nil
}

func bounded(used int64) int64 { return min(max(used, 0), maxUnits) }

// Held are units that were taken and may be used.
type Held struct {
	meter *Meter
	block *block // nil: settled
	units int64
}

// Settle says how many of the units were used: the rest is given back, and more are
// counted too, up to a billion. Only the first Settle counts.
func (h *Held) Settle(used int64) {
	h.meter.mu.Lock()
	defer h.meter.mu.Unlock()
	if h.block != nil {
		h.block.held -= h.units
		h.block.used += bounded(used)
		h.block = nil
	}
}

// Take takes units of the metric, 1 to a billion, for what source is going to do. They
// must be settled. The error is a [*billing.QuotaError] when the customer's plan has
// no room for them; otherwise the database doesn't answer.
func (m *Meter) Take(ctx context.Context, customer storage.CustomerID, metric, source string, units int64) (*Held, error) {
	if err := checkUnits(units); err != nil {
		return nil, err
	}
	k := key{customer, metric, source}
	for {
		m.mu.Lock()
		c, now := m.counter(k), time.Now()
		if b := c.block; b != nil && b.has(units, now) {
			b.take(units, now)
			m.mu.Unlock()
			return &Held{m, b, units}, nil
		}
		if err, ok := m.refused(customer, metric, units, now); ok {
			m.mu.Unlock()
			return nil, err
		}
		f := c.filling
		if f == nil {
			c.filling = &filling{done: make(chan struct{})}
			m.mu.Unlock()
			return m.fill(ctx, k, c, units)
		}
		m.mu.Unlock()
		select {
		case <-f.done:
			if f.err != nil {
				return nil, f.err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// fill takes units from a new block. c.filling is the caller's, and ends here.
func (m *Meter) fill(ctx context.Context, k key, c *counter, units int64) (*Held, error) {
	m.mu.Lock()
	f := c.filling
	w := wish{units, c.nextCalls(storage.Now()), c.left, c.allowance}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		c.filling = nil
		close(f.done)
	}()

	b, left, err := m.open(ctx, k, w)
	if err != nil {
		// Others need not ask again, unless it was our context that ended. A refusal is
		// found by looking again.
		if !isRefusal(err) && ctx.Err() == nil {
			f.err = err
		}
		return nil, err
	}

	m.mu.Lock()
	defer m.mu.Unlock()
	if c.block != nil {
		c.block.closed = true
	}
	c.block, c.allowance, c.opened, c.calls, c.left = b, &b.allowance, b.opened, w.calls, left
	m.blocks = append(m.blocks, b)
	b.take(units, b.opened)
	return &Held{m, b, units}, nil
}
