package storagetest

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// checkBalance checks the balance of the metric and period of r.
func checkBalance(t *testing.T, s billingStore, r storage.Reservation, used, held int64, what string) {
	t.Helper()
	got, err := s.Balance(t.Context(), r.CustomerID, r.Metric, r.Period)
	ok(t, err)
	equal(t, got, storage.Balance{Used: used, Held: held}, "balance "+what)
}

// checkUsed checks what the customer used, day by day.
func checkUsed(t *testing.T, s billingStore, customer storage.CustomerID, what string, want ...storage.DayUsage) {
	t.Helper()
	got, err := s.UsageByDay(t.Context(), customer, time.Time{}, now.AddDate(10, 0, 0))
	ok(t, err)
	equal(t, got, append([]storage.DayUsage{}, want...), "usage by day "+what)
}

// used is what counts for a reservation of which n were used.
func used(r storage.Reservation, n int64) storage.DayUsage {
	day := r.CreatedAt.UTC().Truncate(24 * time.Hour)
	return storage.DayUsage{Day: day, Metric: r.Metric, Source: r.Source, Used: n}
}

func testReserve(t *testing.T, s billingStore) {
	ctx := t.Context()
	mine, other := newPayer(t, s), newPayer(t, s)
	first := newReservation(mine, "1")
	second := newReservation(mine, "2")
	second.Units, second.Source = 5, "plan_week"
	for i, want := range []storage.Balance{{Held: 10}, {Held: 15}} {
		got, err := s.Reserve(ctx, []storage.Reservation{first, second}[i], 15)
		ok(t, err)
		equal(t, got, want, "the balance returned")
	}
	ok(t, s.Settle(ctx, []storage.Use{{CustomerID: mine, ID: "1", Used: 7, Done: true}}))
	third := newReservation(mine, "3")
	third.Units = 3
	got, err := s.Reserve(ctx, third, 15)
	ok(t, err)
	equal(t, got, storage.Balance{Used: 7, Held: 8}, "the balance returned when some is used")
	checkBalance(t, s, first, 7, 8, "stored")

	// What differs in one part of the key counts apart.
	apart := []storage.Reservation{newReservation(other, "1"), newReservation(mine, "4"), newReservation(mine, "5"), newReservation(mine, "6")}
	apart[1].Metric = "Tokens"
	apart[2].Period = monthOf(lastMonth)
	apart[3].Period = time.Time{}
	for _, r := range apart {
		got, err := s.Reserve(ctx, r, 10)
		ok(t, err)
		equal(t, got, storage.Balance{Held: 10}, "the balance of another count")
	}
	checkBalance(t, s, first, 7, 8, "beside others")
}

func testReserveRefuses(t *testing.T, s billingStore) {
	ctx := t.Context()
	mine, other := newPayer(t, s), newPayer(t, s)
	first := newReservation(mine, "1")
	refused := func(r storage.Reservation, limit int64, want error, balance storage.Balance, what string) {
		t.Helper()
		got, err := s.Reserve(ctx, r, limit)
		wantErr(t, err, want, what)
		if errors.Is(want, storage.ErrConflict) {
			equal(t, got, balance, "the balance returned for "+what)
		}
	}
	none, ten := storage.Balance{}, storage.Balance{Held: 10}
	refused(first, 9, storage.ErrConflict, none, "too much for an empty balance")
	refused(first, 0, storage.ErrConflict, none, "a limit of nothing")
	checkBalance(t, s, first, 0, 0, "after refusals")
	reserve(t, s, first) // what was refused isn't there

	second := newReservation(mine, "2")
	refused(second, 19, storage.ErrConflict, ten, "one unit too much")
	refused(second, 0, storage.ErrConflict, ten, "a limit that has been passed")
	refused(first, 5, storage.ErrExists, none, "a known ID, whatever the limit")
	changed := first
	changed.Metric, changed.Units = "calls", 1
	refused(changed, -1, storage.ErrExists, none, "a known ID for another metric")
	refused(newReservation(nobody, "3"), -1, storage.ErrNotFound, none, "an unknown customer")
	refused(newReservation(nobody, "3"), 0, storage.ErrNotFound, none, "an unknown customer, whatever the limit")
	for _, units := range []int64{0, -1, math.MinInt64} {
		r := newReservation(mine, "4")
		r.Units = units
		refused(r, -1, storage.ErrInvalid, none, fmt.Sprintf("%d units", units))
	}
	checkBalance(t, s, first, 0, 10, "after more refusals")
	checkBalance(t, s, changed, 0, 0, "of another metric after refusals")

	// What is used and held counts together.
	ok(t, s.Settle(ctx, []storage.Use{{CustomerID: mine, ID: "1", Used: 4}}))
	refused(second, 19, storage.ErrConflict, storage.Balance{Used: 4, Held: 6}, "one unit too much, some of it used")
	got, err := s.Reserve(ctx, second, 20)
	ok(t, err)
	equal(t, got, storage.Balance{Used: 4, Held: 16}, "the balance at the limit")

	// Numbers as large as they can be are refused and don't wrap.
	huge := newReservation(other, "1")
	huge.Units = math.MaxInt64
	reserve(t, s, huge)
	for _, limit := range []int64{-1, math.MinInt64, math.MaxInt64, 5} {
		refused(newReservation(other, "2"), limit, storage.ErrConflict, storage.Balance{Held: math.MaxInt64}, fmt.Sprintf("a full balance and the limit %d", limit))
	}
}

func testBalance(t *testing.T, s billingStore) {
	mine := newPayer(t, s)
	r := newReservation(mine, "1")
	checkBalance(t, s, r, 0, 0, "of nothing")
	reserve(t, s, r)
	checkBalance(t, s, r, 0, 10, "of a reservation")
	for _, change := range []func(r *storage.Reservation){
		func(r *storage.Reservation) { r.CustomerID = newPayer(t, s) },
		func(r *storage.Reservation) { r.CustomerID = nobody },
		func(r *storage.Reservation) { r.Metric = "" },
		func(r *storage.Reservation) { r.Metric = "TOKENS" },
		func(r *storage.Reservation) { r.Period = time.Time{} },
		func(r *storage.Reservation) { r.Period = r.Period.Add(time.Microsecond) },
	} {
		other := r
		change(&other)
		checkBalance(t, s, other, 0, 0, "of what nobody reserved")
	}
	r.Period = r.Period.In(time.FixedZone("far", 5*3600)) // the same moment
	checkBalance(t, s, r, 0, 10, "of a period in another zone")
}

func testUsageByDay(t *testing.T, s billingStore) {
	ctx := t.Context()
	mine, other := newPayer(t, s), newPayer(t, s)
	midnight := now.Truncate(24 * time.Hour)
	use := func(customer storage.CustomerID, at time.Time, metric, source string, n int64) {
		t.Helper()
		r := newReservation(customer, storage.NewID())
		r.CreatedAt, r.Metric, r.Source = at, metric, source
		reserve(t, s, r)
		ok(t, s.Settle(ctx, []storage.Use{{CustomerID: customer, ID: r.ID, Used: n, Done: true}}))
	}
	use(mine, now, "tokens", "b", 1)
	use(mine, now, "tokens", "B", 2)
	use(mine, now, "calls", "b", 3)
	use(mine, midnight, "tokens", "b", 4)
	use(mine, midnight.Add(-time.Microsecond), "tokens", "b", 5)
	use(mine, midnight.AddDate(0, 0, 1).Add(-time.Microsecond), "tokens", "b", 6)
	use(mine, midnight.AddDate(0, 0, 1), "tokens", "b", 7)
	use(mine, time.Date(2026, 1, 15, 23, 30, 0, 0, time.FixedZone("west", -5*3600)), "tokens", "b", 8) // is the 16th in UTC
	use(mine, now, "tokens", "unused", 0)
	use(other, now, "tokens", "b", 100)

	day := func(n int, metric, source string, used int64) storage.DayUsage {
		return storage.DayUsage{Day: midnight.AddDate(0, 0, n), Metric: metric, Source: source, Used: used}
	}
	days := []storage.DayUsage{
		day(-1, "tokens", "b", 5),
		day(0, "calls", "b", 3), day(0, "tokens", "B", 2), day(0, "tokens", "b", 11),
		day(1, "tokens", "b", 15),
	}
	for _, c := range []struct {
		from, before int
		want         []storage.DayUsage
	}{
		{-30, 30, days},
		{-1, 2, days},
		{0, 1, days[1:4]},
		{0, 2, days[1:]},
		{-1, 0, days[:1]},
		{0, 0, nil},
		{1, 0, nil},
		{2, 30, nil},
	} {
		got, err := s.UsageByDay(ctx, mine, midnight.AddDate(0, 0, c.from), midnight.AddDate(0, 0, c.before))
		ok(t, err)
		equal(t, got, append([]storage.DayUsage{}, c.want...), fmt.Sprintf("usage from day %d on and before %d", c.from, c.before))
	}
}

func testUnreported(t *testing.T, s billingStore) {
	ctx := t.Context()
	mine, other := newPayer(t, s), newPayer(t, s)
	counts := map[storage.Count]bool{} // and whether they are reported
	use := func(customer storage.CustomerID, metric string, period time.Time, n int64) storage.Count {
		t.Helper()
		r := newReservation(customer, storage.NewID())
		r.Metric, r.Period = metric, period
		reserve(t, s, r)
		ok(t, s.Settle(ctx, []storage.Use{{CustomerID: customer, ID: r.ID, Used: n}}))
		return storage.Count{CustomerID: customer, Metric: metric, Period: period, Used: n}
	}
	check := func(what string, limit, want int, metrics ...string) {
		t.Helper()
		wanted := map[storage.Count]bool{}
		for c := range counts {
			if count(metrics, func(m string) bool { return m == c.Metric }) > 0 {
				wanted[c] = true
			}
		}
		list, err := s.Unreported(ctx, metrics, limit)
		ok(t, err)
		equal(t, len(list), want, "number of counts, "+what)
		for _, c := range list {
			if !wanted[c] {
				t.Errorf("%s: got %+v twice or for nothing, want of %+v", what, c, wanted)
			}
			delete(wanted, c)
		}
	}
	use(mine, "unused", monthOf(now), 0)
	for _, c := range []storage.Count{
		use(mine, "tokens", monthOf(now), 7),
		use(mine, "tokens", monthOf(lastMonth), 8),
		use(mine, "calls", monthOf(now), 9),
		use(other, "tokens", monthOf(now), 7),
		use(other, "tokens", time.Time{}, 7),
	} {
		counts[c] = true
	}
	check("one metric", 100, 4, "tokens")
	check("two metrics", 100, 5, "tokens", "calls", "tokens")
	check("a part", 3, 3, "tokens", "calls")
	check("no metric", 100, 0)
	check("metrics that nobody used", 100, 0, "unused", "TOKENS", "", "tok%")
	check("no limit at all", 0, 0, "tokens")
	check("a negative limit", math.MinInt, 0, "tokens")
	check("the largest limit", math.MaxInt, 4, "tokens")

	c := storage.Count{CustomerID: mine, Metric: "tokens", Period: monthOf(now), Used: 7}
	delete(counts, c)
	ok(t, s.MarkReported(ctx, c, 7))
	check("one is reported", 100, 3, "tokens")
	use(mine, "tokens", monthOf(now), 2)
	c.Used, c.Reported = 9, 7
	counts[c] = true
	check("one was used again", 100, 4, "tokens")
}

func testMarkReported(t *testing.T, s billingStore) {
	ctx := t.Context()
	mine, other := newPayer(t, s), newPayer(t, s)
	for _, customer := range []storage.CustomerID{mine, other} {
		reserve(t, s, newReservation(customer, "1"))
		ok(t, s.Settle(ctx, []storage.Use{{CustomerID: customer, ID: "1", Used: 8}}))
	}
	c := storage.Count{CustomerID: mine, Metric: "tokens", Period: monthOf(now), Used: 8}
	check := func(reported int64, what string) {
		t.Helper()
		list, err := s.Unreported(ctx, []string{"tokens"}, 10)
		ok(t, err)
		for _, got := range list {
			want := c
			if want.CustomerID, want.Reported = got.CustomerID, 0; got.CustomerID == mine {
				want.Reported = reported
			}
			equal(t, got, want, "the count "+what)
		}
		equal(t, len(list), 2, "number of counts "+what)
		checkBalance(t, s, newReservation(mine, ""), 8, 2, what)
	}
	ok(t, s.MarkReported(ctx, c, 3))
	check(3, "marked")
	wantErr(t, s.MarkReported(ctx, c, 5), storage.ErrConflict, "a count that was marked meanwhile")
	check(3, "after a conflict")
	c.Used, c.Reported = 100, 3 // only what is reported matters
	ok(t, s.MarkReported(ctx, c, 4))
	c.Used = 8
	check(4, "marked again")
	for _, change := range []func(c *storage.Count){
		func(c *storage.Count) { c.CustomerID = nobody },
		func(c *storage.Count) { c.Metric = "calls" },
		func(c *storage.Count) { c.Period = lastMonth },
	} {
		absent := c
		change(&absent)
		absent.Reported = 0
		wantErr(t, s.MarkReported(ctx, absent, 1), storage.ErrNotFound, "a count that there isn't")
	}
	check(4, "after absent counts")
}

func testDeleteUsage(t *testing.T, s billingStore) {
	ctx := t.Context()
	mine := newPayer(t, s)
	month, day := monthOf(now), now.Truncate(24*time.Hour)
	add := func(id string, period, made time.Time, done bool) storage.Reservation {
		t.Helper()
		r := newReservation(mine, id)
		r.Metric, r.Period, r.CreatedAt = id, period, made
		reserve(t, s, r)
		ok(t, s.Settle(ctx, []storage.Use{{CustomerID: mine, ID: id, Used: 4, Done: done}}))
		return r
	}
	old := add("old", month.Add(-time.Microsecond), month.Add(-time.Microsecond), true)
	held := add("held", lastMonth, month.Add(-time.Microsecond), false)
	current := add("current", month, month, true)
	late := add("late", lastMonth, now, true)
	endless := add("endless", time.Time{}, now, true)
	for _, want := range []int{1 + 2 + 2, 0} { // a reservation; the counts of old and late; the days of old and held
		n, err := s.DeleteUsage(ctx, month)
		ok(t, err)
		equal(t, n, want, "number of deleted records")
	}
	checkBalance(t, s, old, 0, 0, "of an old period")
	checkBalance(t, s, held, 4, 6, "of an old period in which something is held")
	checkBalance(t, s, current, 4, 0, "of a period that began just then")
	checkBalance(t, s, late, 0, 0, "of an old period, used later")
	checkBalance(t, s, endless, 4, 0, "of what has no period")
	checkUsed(t, s, mine, "left", used(current, 4), used(endless, 4), used(late, 4))
	reserve(t, s, old) // its ID is free again
	for _, r := range []storage.Reservation{held, current, late, endless} {
		_, err := s.Reserve(ctx, r, -1)
		wantErr(t, err, storage.ErrExists, "the reservation "+r.ID)
	}

	// What was held can still be used and given back, and then it goes too.
	ok(t, s.Settle(ctx, []storage.Use{{CustomerID: mine, ID: "held", Used: 5, Done: true}}))
	checkBalance(t, s, held, 5, 0, "given back later")
	_, err := s.DeleteUsage(ctx, day)
	ok(t, err)
	checkBalance(t, s, held, 0, 0, "deleted later")
}
