package subscription

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/storage"
)

// errFuse says that something looks wrong with the provider as a whole, and not with
// single customers.
var errFuse = errors.New("too many customers would be shut out of whom the provider delivered nothing; " +
	"look at some of them on its pages, and if it is right, run the command billing reconcile")

// allowed is how many of so many customers may be shut out in one go.
func allowed(customers int) int { return min(10, max(3, customers/20)) }

// fuse counts who is shut out by looks that nobody asked for.
type fuse struct {
	mu        sync.Mutex
	cuts      []time.Time
	limit     int
	countedAt time.Time
}

// count finds out, once an hour, how many may be shut out.
func (f *fuse) count(ctx context.Context, b storage.Billing) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := storage.Now()
	if now.Sub(f.countedAt) < time.Hour {
		return nil
	}
	entitled := 0
	err := each(ctx, b, func(_ storage.Account, r record, err error) error {
		if err == nil && r.Entitled(now) {
			entitled++
		}
		return nil
	})
	if err == nil {
		f.limit, f.countedAt = allowed(entitled), now
	}
	return err
}

// check refuses a decision that would shut out one too many within an hour.
func (f *fuse) check(was, is billing.Account, now time.Time) error {
	if !was.Entitled(now) || is.Entitled(now) {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.cuts) > 0 && now.Sub(f.cuts[0]) > time.Hour {
		f.cuts = f.cuts[1:]
	}
	if len(f.cuts) >= f.limit {
		return fmt.Errorf("%d in an hour: %w", len(f.cuts), errFuse)
	}
	f.cuts = append(f.cuts, now)
	return nil
}

// each calls do with every account, and with the error of one that makes no sense.
func each(ctx context.Context, b storage.Billing, do func(storage.Account, record, error) error) error {
	page := storage.Page{Limit: 500}
	for {
		accounts, err := b.Accounts(ctx, page)
		if err != nil {
			return err
		}
		for _, a := range accounts {
			r, err := decode(a)
			if err := do(a, r, err); err != nil {
				return err
			}
			page.Before = string(a.CustomerID)
		}
		if len(accounts) < page.Limit {
			return nil
		}
	}
}
