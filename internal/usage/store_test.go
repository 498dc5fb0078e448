package usage_test

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/internal/pgtest"
	"github.com/heycmo/heycmo-go/internal/usage"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/pgstore"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

type closer interface {
	storage.Store
	io.Closer
}

// onStores runs a test on each real store, which knows ada.
func onStores(t *testing.T, limit int64, test func(d *desk)) {
	for name, open := range map[string]func(t testing.TB) (closer, error){
		"sqlite": func(t testing.TB) (closer, error) {
			return sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
		},
		"postgres": func(t testing.TB) (closer, error) { return pgstore.Open(t.Context(), pgtest.DSN(t), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			store, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			})
			createCustomer(t, store, ada)
			test(newDeskOn(t, store, newPlans(limit)))
		})
	}
}

func createCustomer(t testing.TB, store storage.Store, id storage.CustomerID) {
	t.Helper()
	now := storage.Now()
	err := store.CreateCustomer(t.Context(), storage.Customer{
		ID: id, Email: "ada@example.com", Status: storage.StatusActive, CreatedAt: now, UpdatedAt: now,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNeverMoreThanTheLimit: many calls on several processes never use more at any
// moment, and all of it in the end.
func TestNeverMoreThanTheLimit(t *testing.T) {
	const limit, workers, processes = 700, 50, 4
	onStores(t, limit, func(d *desk) {
		var taken atomic.Int64 // used, and by calls that are running
		ctx, cancel := context.WithCancel(d.Context())
		var background, work sync.WaitGroup
		desks := []*desk{d}
		for len(desks) < processes {
			desks = append(desks, d.another())
		}
		for _, d := range desks {
			background.Go(func() {
				for ctx.Err() == nil {
					if err := d.Flush(ctx); err != nil && ctx.Err() == nil {
						d.Error(err)
					}
				}
			})
		}
		for i := range workers {
			work.Go(func() {
				d, random := desks[i%processes], rand.New(rand.NewPCG(uint64(i), 0))
				for {
					units := 1 + random.Int64N(3)
					held, err := d.Take(d.Context(), ada, calls, []string{"a", "b", "c"}[random.IntN(3)], units)
					if isRefusal(err) {
						return
					}
					if err != nil {
						d.Error(err)
						return
					}
					if n := taken.Add(units); n > limit {
						d.Errorf("%d units are taken", n)
					}
					used := random.Int64N(units + 1)
					taken.Add(used - units)
					held.Settle(used)
					held.Settle(units)
				}
			})
		}
		work.Wait()
		cancel()
		background.Wait()
		for _, d := range desks {
			d.flushes()
		}
		d.has(taken.Load(), 0)
		last := d.another()
		for taken.Load() < limit {
			last.uses("last", 1)
			taken.Add(1)
		}
		last.refuses("last", 1)
		last.flushes()
		d.has(limit, 0)
	})
}

// TestSettle: what isn't used comes back, more counts too, and once is enough.
func TestSettle(t *testing.T) {
	for _, limit := range []int64{-1, 1000} {
		onStores(t, limit, func(d *desk) {
			for _, c := range []struct{ units, used int64 }{{1, 1}, {5, 0}, {5, 3}, {5, 9}, {5, -1}} {
				held := d.takes("ask", c.units)
				held.Settle(c.used)
				held.Settle(c.units)
				held.Settle(100)
			}
			d.flushes()
			d.has(13, 0)
			d.flushes()
			d.has(13, 0)
			for range 2 { // of which a sum would have no room
				d.takes("ask", 1).Settle(math.MaxInt64)
			}
			d.flushes()
			d.has(2_000_000_013, 0)
		})
	}
}

// TestACrashLeavesNothingHeld: the meter is dropped between Take and Settle.
func TestACrashLeavesNothingHeld(t *testing.T) {
	onStores(t, 20, func(d *desk) {
		d.uses(page, 3)
		if _, err := d.Days(d.Context(), ada, time.Now(), time.Now()); err != nil { // stores what was used
			d.Fatal(err)
		}
		late := d.takes(page, 5)
		if _, err := d.Reserve(d.Context(), ada, "run 1", calls, "run", 4); err != nil {
			d.Fatal(err)
		}

		other := d.another()
		l, _ := storage.RoleOf[storage.Ledger](d.store)
		if n, err := l.SettleExpired(d.Context(), time.Now().Add(2*time.Hour)); err != nil || n == 0 {
			d.Fatalf("gave back %d, %v", n, err)
		}
		d.has(3, 0)
		other.takes(page, 17).Settle(17)
		other.refuses(page, 1)
		other.flushes()
		d.has(20, 0)

		late.Settle(5) // it was only cut off
		d.flushes()
		d.has(25, 0)
	})
}

func TestReserve(t *testing.T) {
	onStores(t, 100, func(d *desk) {
		d.uses(page, 2) // leaves a block in hand, which is found when it is needed
		d.takes(page, 1).Settle(0)
		r, err := d.Reserve(d.Context(), ada, "run 1", calls, "run", 98)
		if err != nil {
			d.Fatal(err)
		}
		d.has(2, 98)
		if _, err := d.Reserve(d.Context(), ada, "run 1", calls, "run", 98); err != nil {
			d.Errorf("the same again: %v", err)
		}
		d.refuses(page, 1)
		for range 2 {
			if err := r.Settle(d.Context(), 120); err != nil {
				d.Fatal(err)
			}
			d.has(122, 0)
		}
	})
}

// TestReading includes what was not stored yet.
func TestReading(t *testing.T) {
	onStores(t, -1, func(d *desk) {
		other := d.another()
		d.uses("a", 2)
		d.uses("b", 3)
		other.uses("a", 4)
		other.flushes()
		today := storage.Now().Truncate(24 * time.Hour)
		days, err := d.Days(d.Context(), ada, today, today.AddDate(0, 0, 1))
		want := []storage.DayUsage{{Day: today, Metric: calls, Source: "a", Used: 6}, {Day: today, Metric: calls, Source: "b", Used: 3}}
		if err != nil || !slices.Equal(days, want) {
			d.Errorf("days are %v, %v, want %v", days, err, want)
		}
		d.uses("a", 1)
		d.plans.set(func() { d.plans.allowance.Limit = 50 })
		b, err := d.Balance(d.Context(), ada, calls)
		if err != nil || b != (usage.Balance{storage.Balance{Used: 10}, d.plans.allowance}) {
			d.Errorf("balance is %+v, %v", b, err)
		}
		days, err = d.Days(d.Context(), "bob", today, today.AddDate(0, 0, 1))
		if err != nil || len(days) > 0 {
			d.Errorf("days of another customer are %v, %v", days, err)
		}
	})
}

func TestSweep(t *testing.T) {
	onStores(t, -1, func(d *desk) {
		l, _ := storage.RoleOf[storage.Ledger](d.store)
		for i, age := range []int{399, 401} {
			at := storage.Now().AddDate(0, 0, -age)
			r := storage.Reservation{CustomerID: ada, ID: string(rune('a' + i)), Metric: calls, Source: page, Period: at, Units: 1, CreatedAt: at, Until: at}
			if _, err := l.Reserve(d.Context(), r, -1); err != nil {
				d.Fatal(err)
			}
			if err := l.Settle(d.Context(), []storage.Use{{CustomerID: ada, ID: r.ID, Used: 1, Done: true}}); err != nil {
				d.Fatal(err)
			}
		}
		if err := d.Sweep(d.Context()); err != nil {
			d.Fatal(err)
		}
		days, err := d.Days(d.Context(), ada, storage.Now().AddDate(-9, 0, 0), storage.Now())
		if err != nil || len(days) != 1 {
			d.Errorf("days are %v, %v", days, err)
		}
	})
}

func TestNonsenseIsRefused(t *testing.T) {
	onStores(t, 100, func(d *desk) {
		for _, units := range []int64{0, -1, 1_000_000_001} {
			if _, err := d.Take(d.Context(), ada, calls, page, units); !errors.Is(err, storage.ErrInvalid) {
				d.Errorf("take %d: %v", units, err)
			}
			if _, err := d.Reserve(d.Context(), ada, "run", calls, "run", units); !errors.Is(err, storage.ErrInvalid) {
				d.Errorf("reserve %d: %v", units, err)
			}
		}
		if _, err := d.Take(d.Context(), nobody, calls, page, 1); !errors.Is(err, storage.ErrNotFound) {
			d.Errorf("an unknown customer: %v", err)
		}
		if _, err := usage.New(usage.Config{Store: struct{ storage.Store }{}}); err == nil {
			d.Error("a store without a ledger is taken")
		}
	})
}
