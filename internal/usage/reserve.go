package usage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// reserveFor is how long a Reservation lasts.
const reserveFor = time.Hour

// Reservation is a number of units that stays set aside when the process ends, for
// work that is expensive or long.
type Reservation struct {
	meter    *Meter
	customer storage.CustomerID
	id       string
}

// Reserve sets units aside, 1 to a billion, for work with an ID that is unique for
// the customer. After a crash, the same ID takes nothing more and returns the same
// Reservation, which can still be settled. It lasts an hour from the last Reserve;
// then the units are given back, and what is settled later counts all the same. It
// asks the database and fails without, also where there is no limit. Errors are those
// of Take.
func (m *Meter) Reserve(ctx context.Context, customer storage.CustomerID, id, metric, source string, units int64) (*Reservation, error) {
	if err := checkUnits(units); err != nil {
		return nil, err
	}
	a, err := m.config.Allowance(ctx, customer, metric)
	if err != nil {
		return nil, fmt.Errorf("usage: allowance of %s: %w", metric, err)
	}
	now := storage.Now()
	_, _, err = m.reserve(ctx, storage.Reservation{
		CustomerID: customer, ID: id, Metric: metric, Source: source, Period: a.Period.Start,
		Units: units, CreatedAt: now, Until: now.Add(reserveFor),
	}, units, a)
	if errors.Is(err, storage.ErrExists) {
		err = m.ledger.Settle(ctx, []storage.Use{{CustomerID: customer, ID: id, Until: now.Add(reserveFor)}})
	}
	if err != nil {
		return nil, err
	}
	return &Reservation{m, customer, id}, nil
}

// Settle stores how many of the units were used: the rest is given back, and more
// are counted too, up to a billion. It can be repeated until it succeeds: the highest
// number counts.
func (r *Reservation) Settle(ctx context.Context, used int64) error {
	err := r.meter.ledger.Settle(ctx, []storage.Use{{CustomerID: r.customer, ID: r.id, Used: bounded(used), Done: true}})
	if err != nil {
		return fmt.Errorf("usage: %w", err)
	}
	return nil
}
