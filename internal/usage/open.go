package usage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/storage"
)

// patience is how long the allowance may take to come when calls can go on without.
const patience = 2 * time.Second

// wish is what a block is opened for: a call that needs some units, and as many more
// of them as calls says. left and known are what is left of the limit and the
// allowance, as they were; known may be nil.
type wish struct {
	units, calls, left int64
	known              *Allowance
}

// open returns a block, and what is left of the limit besides.
func (m *Meter) open(ctx context.Context, k key, w wish) (b *block, left int64, err error) {
	if w.known != nil && w.known.Limit < 0 {
		b, err = m.goOn(ctx, k, *w.known)
	} else {
		b, err = m.ask(ctx, k)
	}
	if err != nil || !b.limited() {
		return b, unknown, err
	}
	now, limit := storage.Now(), b.allowance.Limit
	want := max(w.units, min(w.calls*w.units, min(w.left, limit)/share))
	b.units, left, err = m.reserve(ctx, b.reservation(want, now), w.units, b.allowance)
	b.until = now.Add(hold)
	b.scarce = left <= limit/share
	return b, left, err
}

func (m *Meter) ask(ctx context.Context, k key) (*block, error) {
	a, err := m.config.Allowance(ctx, k.customer, k.metric)
	if err != nil {
		return nil, fmt.Errorf("usage: allowance of %s: %w", k.metric, err)
	}
	return newBlock(k, a, storage.Now()), nil
}

// goOn is ask for who had no limit before, and has none as long as nobody answers.
func (m *Meter) goOn(ctx context.Context, k key, known Allowance) (*block, error) {
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	b, err := m.ask(asking, k)
	if err == nil || ctx.Err() != nil {
		return b, err
	}
	m.config.Log.Warn("usage is counted without knowing the plan", zap.String("customer", string(k.customer)), zap.Error(err))
	now := storage.Now()
	b = newBlock(k, known, now)
	if again := now.Add(patience); b.end.Before(again) {
		b.end = again // the period is over, and the next one isn't known
	}
	return b, nil
}

// reserve sets r.Units aside, or fewer, but least at least. It returns how many, and
// what is left besides.
func (m *Meter) reserve(ctx context.Context, r storage.Reservation, least int64, a Allowance) (units, left int64, err error) {
	asked := time.Now()
	for searched := false; ; {
		limit := a.Limit
		if r.Units > least { // then no more than the share of what is left
			limit -= (share - 1) * r.Units
		}
		balance, err := m.ledger.Reserve(ctx, r, limit)
		left := a.Limit - balance.Used - balance.Held
		switch {
		case err == nil:
			return r.Units, left, nil
		case !errors.Is(err, storage.ErrConflict):
			return 0, 0, fmt.Errorf("usage: %w", err)
		case r.Units > least:
			r.Units = max(least, left/share)
		case !searched && balance.Held > 0:
			// Perhaps it is held here, for calls that don't come.
			searched = true
			idle := func(b *block) bool { return b.customer == r.CustomerID && b.metric == r.Metric && b.held == 0 }
			if err := m.flush(ctx, idle, true); err != nil {
				return 0, 0, err
			}
		default:
			return 0, 0, m.refuse(r, least, a, balance, asked)
		}
	}
}
