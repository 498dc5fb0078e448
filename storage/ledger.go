package storage

import (
	"context"
	"time"
)

// Reservation is a number of units of a metric that are set aside for a
// customer, to be used or given back.
type Reservation struct {
	CustomerID CustomerID
	// ID is unique for the customer.
	ID string
	// Metric is what is counted, and Source what uses it, such as a tool.
	Metric, Source string
	// Period is the start of the period in which the units count.
	Period time.Time
	// Units is how many are set aside, at least 1.
	Units int64
	// CreatedAt gives the day (UTC) on which the units count.
	CreatedAt time.Time
	// Until is when what was not used by then is given back.
	Until time.Time
}

// Balance is how far a metric is used up in a period.
type Balance struct {
	// Used counts what was used, and Held what is set aside besides.
	Used, Held int64
}

// Use says how far a reservation is used up.
type Use struct {
	CustomerID CustomerID
	ID         string // of the reservation
	// Used is the sum of what was used so far; more than the reservation's Units
	// count too.
	Used int64
	// Until, when set, is the reservation's new Until.
	Until time.Time
	// Done gives back what was not used.
	Done bool
}

// DayUsage is what was used on one day by one source.
type DayUsage struct {
	Day            time.Time // midnight UTC
	Metric, Source string
	Used           int64
}

// Count is what a customer used of a metric in a period.
type Count struct {
	CustomerID CustomerID
	Metric     string
	Period     time.Time
	// Used is the sum, of which Reported is known elsewhere.
	Used, Reported int64
}

// Ledger is the role of what customers used. A reservation whose units are used
// counts in three places that always agree: its own, the balance of the period
// and the usage of the day.
type Ledger interface {
	// Reserve sets r.Units aside and returns the balance afterwards. When the
	// balance would exceed limit, it is ErrConflict, with the balance as it is; a
	// negative limit is none. A known ID is ErrExists, and an unknown customer
	// ErrNotFound.
	Reserve(ctx context.Context, r Reservation, limit int64) (Balance, error)

	// Settle stores what was used, all of it or nothing. It can be repeated: a
	// Used that is not above the one on record changes no count, and neither does
	// a Done for what was given back before. Used of reservations that were given
	// back still counts. Unknown reservations are passed over.
	Settle(ctx context.Context, uses []Use) error

	// SettleExpired gives back what was not used of reservations whose Until is
	// before t and returns how many there were.
	SettleExpired(ctx context.Context, t time.Time) (int, error)

	// Balance returns the customer's balance, zero when nothing was used.
	Balance(ctx context.Context, customer CustomerID, metric string, period time.Time) (Balance, error)

	// UsageByDay returns what the customer used from one day on and before
	// another, by day, metric and source from low to high. Nothing used is left
	// out.
	UsageByDay(ctx context.Context, customer CustomerID, from, before time.Time) ([]DayUsage, error)

	// Unreported returns up to limit counts of the metrics with more Used than
	// Reported.
	Unreported(ctx context.Context, metrics []string, limit int) ([]Count, error)

	// MarkReported stores a count's Reported as to. It is ErrConflict when the one
	// on record isn't c.Reported.
	MarkReported(ctx context.Context, c Count, to int64) error

	// DeleteUsage removes days that began before t, periods that did and in which
	// nothing is held, and reservations that were made before t and given back,
	// and returns how many records there were.
	DeleteUsage(ctx context.Context, t time.Time) (int, error)
}
