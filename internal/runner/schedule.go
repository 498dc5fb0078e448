package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/heycmo/heycmo-go/internal/outbox"
	"github.com/heycmo/heycmo-go/storage"
)

const (
	// clockInterval is how often the clock is looked at.
	clockInterval = 10 * time.Second
	// missed is how far back a time is made up for that nobody saw pass.
	missed        = 24 * time.Hour
	defaultSpread = 10 * time.Minute
	fanOutPage    = 100 // customers in one transaction
)

// keepTime begins what is due until ctx ends. Every replica may: the first one counts.
func (r *Runner) keepTime(ctx context.Context) {
	clock := time.NewTicker(clockInterval)
	defer clock.Stop()
	done := map[string]time.Time{} // the time that was seen to last
	for {
		r.tickAll(ctx, done)
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
	}
}

// tickAll ticks the schedules whose last time isn't done yet.
func (r *Runner) tickAll(ctx context.Context, done map[string]time.Time) {
	for _, s := range r.schedules {
		slot, ok := s.last(r.now())
		if !ok || done[s.workflow.Name].Equal(slot) {
			continue
		}
		if err := r.tick(ctx, s, slot); err != nil {
			r.warn(ctx, "a schedule can't be kept", "", "", fmt.Errorf("workflow %q: %w", s.workflow.Name, err))
			continue
		}
		done[s.workflow.Name] = slot
	}
}

// last returns the newest time of the schedule that isn't after now, within missed.
func (s schedule) last(now time.Time) (slot time.Time, ok bool) {
	now = now.UTC()
	// The search goes back in growing steps, since a cron expression only tells what
	// is next.
	for back := time.Minute; ; back *= 4 {
		back = min(back, missed)
		for next := s.cron.Next(now.Add(-back)); !next.After(now); next = s.cron.Next(next) {
			slot, ok = next, true
		}
		if ok || back == missed {
			return slot, ok
		}
	}
}

// fanOut is the data of an effect of KindFanOut.
type fanOut struct {
	Workflow string    `json:"workflow"`
	Slot     time.Time `json:"slot"`
	// Before is the customer after whom to go on; empty: begin with the newest.
	Before storage.CustomerID `json:"before,omitempty"`
}

func (f fanOut) effect(now time.Time) storage.Effect {
	return storage.Effect{
		ID: fmt.Sprintf("%s:%s:%s:%s", KindFanOut, f.Workflow, storage.FormatTime(f.Slot), f.Before), Kind: KindFanOut,
		Data: encode(f), CreatedAt: now, DueAt: now,
	}
}

// tick has the runs of a time begin. Ticking again for the same time does nothing.
func (r *Runner) tick(ctx context.Context, s schedule, slot time.Time) error {
	err := effectsOf(r.Store).CreateEffect(ctx, fanOut{Workflow: s.workflow.Name, Slot: slot.UTC()}.effect(r.now()))
	if errors.Is(err, storage.ErrExists) {
		return nil
	}
	if err == nil {
		r.Wake()
	}
	return err
}

// DoFanOut does an effect of KindFanOut: it stores a run for each customer of a page
// and, with them, the effect for the next page.
func (r *Runner) DoFanOut(ctx context.Context, e storage.Effect) error {
	var f fanOut
	if err := json.Unmarshal(e.Data, &f); err != nil {
		return fmt.Errorf("%w: %w", outbox.ErrNever, err)
	}
	w, ok := r.workflows[f.Workflow]
	if !ok {
		return nil // it was scheduled by an earlier version
	}
	now := r.now()
	page, err := r.Store.Customers(ctx, storage.CustomerQuery{Page: storage.Page{Limit: fanOutPage, Before: string(f.Before)}})
	if err != nil {
		return err
	}
	var wanted []storage.Customer
	for _, c := range page {
		if !c.StatusAt(now).Entitled() || c.CreatedAt.After(f.Slot) {
			continue
		}
		if w.Needed != nil {
			needed, err := w.Needed(ctx, c.ID)
			if err != nil {
				return err
			}
			if !needed {
				continue
			}
		}
		wanted = append(wanted, c)
	}
	err = r.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		for _, c := range wanted {
			wish := Wish{
				Workflow: w.Name, Key: "cron:" + storage.FormatTime(f.Slot),
				At: f.Slot.Add(delay(c.ID, w.Name, orDefault(w.Spread, defaultSpread))),
			}
			if _, _, err := r.Begin(ctx, tx, c.ID, wish); err != nil {
				return err
			}
		}
		if len(page) < fanOutPage {
			return nil
		}
		f.Before = page[len(page)-1].ID
		err := effectsOf(tx).CreateEffect(ctx, f.effect(now))
		if errors.Is(err, storage.ErrExists) {
			return nil
		}
		return err
	})
	if err == nil {
		r.Wake()
	}
	return err
}

// delay is the customer's place in the time over which runs are spread: always the
// same one, so that intervals are even.
func delay(customer storage.CustomerID, workflow string, spread time.Duration) time.Duration {
	if spread <= 0 {
		return 0
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(string(customer) + " " + workflow))
	return time.Duration(hash.Sum64() % uint64(spread)) //nolint:gosec // it is below spread
}
