package usage

import (
	"context"
	"fmt"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// Balance is how far an allowance is used up. Held is what is set aside besides,
// for calls that are running or may come.
type Balance struct {
	storage.Balance
	Allowance
}

// Balance returns how far the customer's allowance of a metric is used up, with all
// that ended on this process.
func (m *Meter) Balance(ctx context.Context, customer storage.CustomerID, metric string) (Balance, error) {
	if err := m.flush(ctx, of(customer), false); err != nil {
		return Balance{}, err
	}
	a, err := m.config.Allowance(ctx, customer, metric)
	if err != nil {
		return Balance{}, fmt.Errorf("usage: allowance of %s: %w", metric, err)
	}
	b, err := m.ledger.Balance(ctx, customer, metric, a.Period.Start)
	return Balance{b, a}, err
}

// Days returns what the customer used from one day (UTC) on and before another, as
// [storage.Ledger] does, with all that ended on this process.
func (m *Meter) Days(ctx context.Context, customer storage.CustomerID, from, before time.Time) ([]storage.DayUsage, error) {
	if err := m.flush(ctx, of(customer), false); err != nil {
		return nil, err
	}
	return m.ledger.UsageByDay(ctx, customer, from, before)
}

func of(customer storage.CustomerID) func(*block) bool {
	return func(b *block) bool { return b.customer == customer }
}
