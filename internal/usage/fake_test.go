package usage_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/usage"
	"github.com/heycmo/heycmo-go/storage"
)

const (
	ada    storage.CustomerID = "ada"
	nobody storage.CustomerID = "nobody"

	calls = "tool_calls"
	page  = "scan_page"
)

var errDown = errors.New("the database is down")

// ledger is a [storage.Ledger] in memory, for tests in which the clock matters.
type ledger struct {
	storage.Store
	mu           sync.Mutex
	down         error          // what every method returns, without doing anything
	reservations []*reservation // as they were made
	settled      int            // calls of Settle
	reserved     int            // calls of Reserve
	settleDown   error          // what Settle returns
	lost         error          // what Reserve and Settle return when they have done their work
}

type reservation struct {
	storage.Reservation
	used int64
	done bool
}

func (r *reservation) held() int64 {
	if r.done {
		return 0
	}
	return max(0, r.Units-r.used)
}

func (l *ledger) lock(ctx context.Context) (func(), error) {
	l.mu.Lock()
	return l.mu.Unlock, cmp.Or(ctx.Err(), l.down)
}

func (l *ledger) find(customer storage.CustomerID, id string) *reservation {
	for _, r := range l.reservations {
		if r.CustomerID == customer && r.ID == id {
			return r
		}
	}
	return nil
}

func (l *ledger) balance(customer storage.CustomerID, metric string, period time.Time) (b storage.Balance) {
	for _, r := range l.reservations {
		if r.CustomerID == customer && r.Metric == metric && r.Period.Equal(period) {
			b.Used += r.used
			b.Held += r.held()
		}
	}
	return b
}

func (l *ledger) Reserve(ctx context.Context, r storage.Reservation, limit int64) (storage.Balance, error) {
	unlock, err := l.lock(ctx)
	defer unlock()
	l.reserved++
	if err != nil {
		return storage.Balance{}, err
	}
	switch {
	case r.CustomerID == nobody:
		return storage.Balance{}, storage.ErrNotFound
	case l.find(r.CustomerID, r.ID) != nil:
		return storage.Balance{}, storage.ErrExists
	}
	b := l.balance(r.CustomerID, r.Metric, r.Period)
	if limit >= 0 && b.Used+b.Held+r.Units > limit {
		return b, storage.ErrConflict
	}
	l.reservations = append(l.reservations, &reservation{Reservation: r})
	b.Held += r.Units
	return b, l.lost
}

func (l *ledger) Settle(ctx context.Context, uses []storage.Use) error {
	unlock, err := l.lock(ctx)
	defer unlock()
	l.settled++
	if err = cmp.Or(err, l.settleDown); err != nil {
		return err
	}
	for _, u := range uses {
		if r := l.find(u.CustomerID, u.ID); r != nil {
			r.used = max(r.used, u.Used)
			r.done = r.done || u.Done
			if !u.Until.IsZero() {
				r.Until = u.Until
			}
		}
	}
	return l.lost
}

func (l *ledger) SettleExpired(ctx context.Context, t time.Time) (n int, err error) {
	unlock, err := l.lock(ctx)
	defer unlock()
	for _, r := range l.reservations {
		if err == nil && !r.done && r.Until.Before(t) {
			r.done = true
			n++
		}
	}
	return n, err
}

func (l *ledger) Balance(ctx context.Context, customer storage.CustomerID, metric string, period time.Time) (storage.Balance, error) {
	unlock, err := l.lock(ctx)
	defer unlock()
	return l.balance(customer, metric, period), err
}

func (l *ledger) UsageByDay(ctx context.Context, customer storage.CustomerID, from, before time.Time) ([]storage.DayUsage, error) {
	unlock, err := l.lock(ctx)
	defer unlock()
	var list []storage.DayUsage
	for _, r := range l.reservations {
		day := r.CreatedAt.Truncate(24 * time.Hour)
		if r.CustomerID != customer || r.used == 0 || day.Before(from) || !day.Before(before) {
			continue
		}
		i := slices.IndexFunc(list, func(d storage.DayUsage) bool {
			return d.Day.Equal(day) && d.Metric == r.Metric && d.Source == r.Source
		})
		if i < 0 {
			i = len(list)
			list = append(list, storage.DayUsage{Day: day, Metric: r.Metric, Source: r.Source})
		}
		list[i].Used += r.used
	}
	return list, err
}

func (*ledger) Unreported(context.Context, []string, int) ([]storage.Count, error) {
	return nil, errors.ErrUnsupported
}
func (*ledger) MarkReported(context.Context, storage.Count, int64) error {
	return errors.ErrUnsupported
}
func (*ledger) DeleteUsage(context.Context, time.Time) (int, error) { return 0, errors.ErrUnsupported }

// set changes the ledger between two calls.
func (l *ledger) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// sizes returns the units of all reservations, as they were made.
func (l *ledger) sizes() (units []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.reservations {
		units = append(units, r.Units)
	}
	return units
}

// counts are how often somebody was asked.
type counts struct{ asked, reserved, settled int }

func (c counts) since(before counts) counts {
	return counts{c.asked - before.asked, c.reserved - before.reserved, c.settled - before.settled}
}

func (d *desk) counts() (c counts) {
	d.plans.set(func() { c.asked = d.plans.asked })
	d.ledger.set(func() { c.reserved, c.settled = d.ledger.reserved, d.ledger.settled })
	return c
}

// plans answers what customers may use.
type plans struct {
	mu        sync.Mutex
	allowance usage.Allowance
	err       error
	hangs     bool // until the context ends
	slow      time.Duration
	panics    bool
	asked     int
}

func (p *plans) allow(ctx context.Context, _ storage.CustomerID, _ string) (usage.Allowance, error) {
	p.mu.Lock()
	p.asked++
	hangs, slow, panics, a, err := p.hangs, p.slow, p.panics, p.allowance, p.err
	p.mu.Unlock()
	time.Sleep(slow)
	if panics {
		panic("plans")
	}
	if hangs {
		<-ctx.Done()
		return usage.Allowance{}, ctx.Err()
	}
	return a, err
}

func (p *plans) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// desk is a meter with everything it works with.
type desk struct {
	*testing.T
	*usage.Meter
	store  storage.Store
	ledger *ledger // nil on a real store
	plans  *plans
	logs   *observer.ObservedLogs
	stop   func() // ends Run, as a process that is killed
}

// newDesk returns a desk on a ledger in memory, on which customers may use as many
// units in a month as limit says. It is running.
func newDesk(t *testing.T, limit int64) *desk {
	t.Helper()
	l := &ledger{}
	d := newDeskOn(t, l, newPlans(limit))
	d.ledger = l
	return d.run()
}

func newPlans(limit int64) *plans {
	return &plans{allowance: usage.Allowance{Limit: limit, Period: billing.Account{}.Period(time.Now()), Upgrade: "https://example.com/plans"}}
}

func newDeskOn(t *testing.T, store storage.Store, p *plans) *desk {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	m, err := usage.New(usage.Config{Store: store, Allowance: p.allow, Log: zap.New(core)})
	if err != nil {
		t.Fatal(err)
	}
	return &desk{T: t, Meter: m, store: store, plans: p, logs: logs}
}

// another returns a desk of another process on the same store.
func (d *desk) another() *desk {
	d.Helper()
	other := newDeskOn(d.T, d.store, d.plans)
	other.ledger = d.ledger
	return other
}

func (d *desk) run() *desk {
	ctx, cancel := context.WithCancel(d.Context())
	done := make(chan struct{})
	go func() { defer close(done); d.Meter.Run(ctx) }()
	d.stop = sync.OnceFunc(func() { cancel(); <-done })
	d.Cleanup(d.stop)
	return d
}

// takes takes units, which must succeed.
func (d *desk) takes(source string, units int64) *usage.Held {
	d.Helper()
	held, err := d.Take(d.Context(), ada, calls, source, units)
	if err != nil {
		d.Fatal(err)
	}
	return held
}

// uses makes some calls, one after the other.
func (d *desk) uses(source string, n int) {
	d.Helper()
	for range n {
		d.takes(source, 1).Settle(1)
	}
}

func (d *desk) refuses(source string, units int64) {
	d.Helper()
	d.refusal(source, units)
}

// refusal takes units, which must be refused.
func (d *desk) refusal(source string, units int64) billing.QuotaError {
	d.Helper()
	held, err := d.Take(d.Context(), ada, calls, source, units)
	refusal, ok := errors.AsType[*billing.QuotaError](err)
	if !ok || held != nil {
		d.Fatalf("got %v, %v, want a refusal", held, err)
	}
	return *refusal
}

// fails takes units, which must fail with the database's error.
func (d *desk) fails(source string, units int64) {
	d.Helper()
	if held, err := d.Take(d.Context(), ada, calls, source, units); !errors.Is(err, errDown) || held != nil {
		d.Errorf("got %v, %v, want %v", held, err, errDown)
	}
}

// has compares what the store knows.
func (d *desk) has(used, held int64) {
	d.Helper()
	l, _ := storage.RoleOf[storage.Ledger](d.store)
	d.plans.mu.Lock()
	start := d.plans.allowance.Period.Start
	d.plans.mu.Unlock()
	got, err := l.Balance(d.Context(), ada, calls, start)
	if want := (storage.Balance{Used: used, Held: held}); err != nil || got != want {
		d.Errorf("the store has %+v, %v, want %+v", got, err, want)
	}
}

func (d *desk) flushes() {
	d.Helper()
	if err := d.Flush(d.Context()); err != nil {
		d.Fatal(err)
	}
}

func isRefusal(err error) bool {
	_, ok := errors.AsType[*billing.QuotaError](err)
	return ok
}
