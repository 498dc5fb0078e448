package usage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/storage"
)

// batch is how many blocks are stored in one transaction.
const batch = 500

// Flush stores every count and gives back all units that no call has taken. Call it
// when no more calls are served. The Meter can be used further.
func (m *Meter) Flush(ctx context.Context) error { return m.flush(ctx, all, true) }

func all(*block) bool { return true }

// flush stores what there is to tell of some blocks. To give back is to hand out
// nothing of them any more.
func (m *Meter) flush(ctx context.Context, which func(*block) bool, giveBack bool) error {
	now := storage.Now()
	for chunk := range slices.Chunk(m.changes(which, giveBack, now), batch) {
		if err := m.store(ctx, chunk, now); err != nil {
			return err
		}
	}
	return nil
}

// change is what the store should know of a block.
type change struct {
	block   *block
	use     storage.Use
	unknown bool // the block itself is
}

func (m *Meter) changes(which func(*block) bool, giveBack bool, now time.Time) []change {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tidy(now)
	var list []change
	for _, b := range m.blocks {
		if !which(b) {
			continue
		}
		if giveBack || b.over(now) {
			m.close(b)
		}
		if use, news := b.use(now); news {
			list = append(list, change{b, use, b.until.IsZero()})
		}
	}
	return list
}

func (m *Meter) close(b *block) {
	b.closed = true
	if c := m.counters[b.key]; c != nil && c.block == b {
		c.block = nil
	}
}

// tidy forgets what has become old.
func (m *Meter) tidy(now time.Time) {
	for k, c := range m.counters {
		if c.forgotten(now) {
			delete(m.counters, k)
		}
	}
	for k, r := range m.refusals {
		if now.Sub(r.asked) >= refusalAge {
			delete(m.refusals, k)
		}
	}
}

func (m *Meter) store(ctx context.Context, changes []change, now time.Time) error {
	var uses []storage.Use
	for i, c := range changes {
		if c.unknown && c.use.Used > 0 {
			ok, err := m.introduce(ctx, c, now)
			if err != nil {
				return err
			}
			changes[i].unknown = !ok
		}
		if !changes[i].unknown {
			uses = append(uses, c.use)
		}
	}
	if len(uses) > 0 {
		if err := m.ledger.Settle(ctx, uses); err != nil {
			return fmt.Errorf("usage: %w", err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	finished := map[*block]bool{}
	for _, c := range changes {
		c.block.stored = max(c.block.stored, c.use.Used)
		if !c.use.Until.IsZero() {
			c.block.until = c.use.Until
		}
		if c.use.Done || c.unknown {
			finished[c.block] = true
		}
	}
	m.blocks = slices.DeleteFunc(m.blocks, func(b *block) bool { return finished[b] })
	return nil
}

// introduce makes the block known to the store. A block without a limit isn't before
// something was used of it. It returns false for one that can never be.
func (m *Meter) introduce(ctx context.Context, c change, now time.Time) (ok bool, err error) {
	r := c.block.reservation(c.use.Used, now)
	_, err = m.ledger.Reserve(ctx, r, -1)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err == nil, errors.Is(err, storage.ErrExists):
		c.block.until = r.Until
		return true, nil
	case errors.Is(err, storage.ErrNotFound), errors.Is(err, storage.ErrInvalid):
		m.config.Log.Error("usage can't be stored", zap.String("customer", string(r.CustomerID)), zap.Error(err))
		m.close(c.block)
		return false, nil
	}
	return false, fmt.Errorf("usage: %w", err)
}
