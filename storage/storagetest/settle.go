package storagetest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

func testSettle(t *testing.T, s billingStore) {
	ctx := t.Context()
	mine, other := newPayer(t, s), newPayer(t, s)
	r := newReservation(mine, "1")
	twin := newReservation(other, "1")
	reserve(t, s, r)
	reserve(t, s, twin)
	settle := func(u storage.Use) {
		t.Helper()
		u.CustomerID, u.ID = mine, "1"
		ok(t, s.Settle(ctx, []storage.Use{u}))
	}
	check := func(n, held int64, what string) {
		t.Helper()
		checkBalance(t, s, r, n, held, what)
		if n == 0 {
			checkUsed(t, s, mine, what)
		} else {
			checkUsed(t, s, mine, what, used(r, n))
		}
		checkBalance(t, s, twin, 0, 10, "of another customer's, "+what)
	}
	settle(storage.Use{})
	check(0, 10, "nothing is used")
	settle(storage.Use{Used: 3})
	check(3, 7, "some is used")
	settle(storage.Use{Used: 8})
	check(8, 2, "more is used") // the sum, not 3 and 8
	settle(storage.Use{Used: 12})
	check(12, 0, "more is used than was set aside")
	settle(storage.Use{Used: 13, Done: true})
	check(13, 0, "the rest is given back, of which there is none")

	r = newReservation(mine, "2")
	r.Metric, r.CreatedAt = "calls", now.AddDate(0, 0, 3)
	reserve(t, s, r)
	ok(t, s.Settle(ctx, []storage.Use{{CustomerID: mine, ID: "2", Used: 3, Done: true}}))
	checkBalance(t, s, r, 3, 0, "given back")
	ok(t, s.Settle(ctx, []storage.Use{{CustomerID: mine, ID: "2", Used: 5}}))
	checkBalance(t, s, r, 5, 0, "used after it was given back")
	checkUsed(t, s, mine, "of two", used(newReservation(mine, "1"), 13), used(r, 5))

	// All of it or nothing, and what is unknown is passed over.
	fresh := newReservation(mine, "3")
	fresh.Metric = "fresh"
	reserve(t, s, fresh)
	wantErr(t, s.Settle(ctx, []storage.Use{
		{CustomerID: mine, ID: "3", Used: 4}, {CustomerID: mine, ID: "\x00", Used: 4},
	}), storage.ErrInvalid, "a use with a bad ID beside a good one")
	checkBalance(t, s, fresh, 0, 10, "after a refusal")
	ok(t, s.Settle(ctx, []storage.Use{
		{CustomerID: mine, ID: "absent", Used: 4, Done: true}, {CustomerID: other, ID: "3", Used: 4, Done: true},
		{CustomerID: nobody, ID: "3", Used: 4}, {}, {CustomerID: mine, ID: "3", Used: 4},
	}))
	checkBalance(t, s, fresh, 4, 6, "used beside what is unknown")
	checkBalance(t, s, twin, 0, 10, "of a customer who has no such reservation")
	ok(t, s.Settle(ctx, nil))
	ok(t, s.Settle(ctx, []storage.Use{{CustomerID: mine, ID: "3", Used: math.MaxInt64}}))
	checkBalance(t, s, fresh, math.MaxInt64, 0, "as large as it can be")
}

func testSettleAgain(t *testing.T, s billingStore) {
	ctx := t.Context()
	mine := newPayer(t, s)
	r, rest := newReservation(mine, "1"), newReservation(mine, "2")
	rest.Units = 5
	reserve(t, s, r)
	reserve(t, s, rest) // of the same balance
	check := func(n, held int64, what string) {
		t.Helper()
		checkBalance(t, s, r, n, held, what)
		checkUsed(t, s, mine, what, used(r, n))
	}
	for range 3 {
		ok(t, s.Settle(ctx, []storage.Use{{CustomerID: mine, ID: "1", Used: 6}}))
		check(6, 4+5, "of a use that is repeated")
	}
	for _, less := range []int64{5, 0, -1, math.MinInt64} {
		ok(t, s.Settle(ctx, []storage.Use{{CustomerID: mine, ID: "1", Used: less}}))
		check(6, 4+5, "of a use that is less")
	}
	for range 3 {
		ok(t, s.Settle(ctx, []storage.Use{{CustomerID: mine, ID: "1", Used: 6, Done: true}}))
		check(6, 5, "of what is given back again")
	}
	for range 2 { // without Done, it stays given back
		ok(t, s.Settle(ctx, []storage.Use{{CustomerID: mine, ID: "1", Used: 7, Until: now.Add(1000 * time.Hour)}}))
		check(7, 5, "of a use after it was given back")
	}
	ok(t, s.Settle(ctx, []storage.Use{
		{CustomerID: mine, ID: "1", Used: 8}, {CustomerID: mine, ID: "1", Used: 9}, {CustomerID: mine, ID: "1", Used: 8},
		{CustomerID: mine, ID: "2", Done: true}, {CustomerID: mine, ID: "2", Used: 1},
	}))
	check(9+1, 0, "of several uses of a reservation at once")
}

// testSettleMany has more than fit into one statement.
func testSettleMany(t *testing.T, s billingStore) {
	ctx := t.Context()
	const many = 1020
	payers := []storage.CustomerID{newPayer(t, s), newPayer(t, s), newPayer(t, s)}
	var uses []storage.Use
	ok(t, s.inTx(t, func(tx billingStore) error {
		for i := range many {
			r := newReservation(payers[i%3], fmt.Sprint(i))
			r.Metric = fmt.Sprint("metric ", i%2)
			reserve(t, tx, r)
			uses = append(uses, storage.Use{CustomerID: r.CustomerID, ID: r.ID, Used: 2, Done: i%5 == 0})
		}
		return nil
	}))
	rand.Shuffle(len(uses), func(i, j int) { uses[i], uses[j] = uses[j], uses[i] })
	ok(t, s.Settle(ctx, uses))
	for _, payer := range payers {
		for _, metric := range []string{"metric 0", "metric 1"} {
			r := newReservation(payer, "")
			r.Metric = metric
			const each = many / 6
			checkBalance(t, s, r, each*2, each*4/5*8, "of many")
		}
	}
}

func testSettleExpired(t *testing.T, s billingStore) {
	ctx := t.Context()
	mine, other := newPayer(t, s), newPayer(t, s)
	for id, until := range map[string]time.Time{
		"1": now.Add(-time.Hour), "2": now.Add(-time.Microsecond), "3": now, "4": {}, "extended": now.Add(-time.Hour), "given back": now.Add(-time.Hour),
	} {
		r := newReservation(mine, id)
		r.Metric, r.Until = id, until
		reserve(t, s, r)
	}
	another := newReservation(other, "1")
	another.Until = lastMonth
	reserve(t, s, another)
	ok(t, s.Settle(ctx, []storage.Use{
		{CustomerID: mine, ID: "1", Used: 3},
		{CustomerID: mine, ID: "extended", Until: now.Add(999 * time.Nanosecond)},
		{CustomerID: mine, ID: "given back", Used: 3, Done: true},
	}))
	for _, want := range []int{3, 0} {
		n, err := s.SettleExpired(ctx, now)
		ok(t, err)
		equal(t, n, want, "number of expired reservations")
		for id, balance := range map[string]storage.Balance{
			"1": {Used: 3}, "2": {}, "3": {Held: 10}, "4": {Held: 10}, "extended": {Held: 10}, "given back": {Used: 3},
		} {
			r := newReservation(mine, id)
			r.Metric = id
			checkBalance(t, s, r, balance.Used, balance.Held, "of the reservation "+id)
		}
		checkBalance(t, s, another, 0, 0, "of another customer")
	}
	ok(t, s.Settle(ctx, []storage.Use{{CustomerID: mine, ID: "1", Used: 5}}))
	n, err := s.SettleExpired(ctx, now.Add(time.Microsecond))
	ok(t, err)
	equal(t, n, 2, "number of reservations that expired later") // the extension was cut to the microsecond
	r := newReservation(mine, "1")
	r.Metric = "1"
	checkBalance(t, s, r, 5, 0, "of a use after it expired")
}

// testCountsAgree does this and that to a ledger and to a simple one.
func testCountsAgree(t *testing.T, s billingStore) {
	ctx := context.WithoutCancel(t.Context())
	type known struct {
		storage.Reservation
		used int64
		done bool
	}
	payers := []storage.CustomerID{newPayer(t, s), newPayer(t, s)}
	random := rand.New(rand.NewPCG(1, 2))
	var simple []*known
	any := func() *known { return simple[random.IntN(len(simple))] }
	settle := func(k *known, u storage.Use) {
		k.used, k.done = max(k.used, u.Used), k.done || u.Done
		if !u.Until.IsZero() {
			k.Until = u.Until
		}
	}
	for i := range 150 {
		switch what := random.IntN(10); {
		case what < 4 || len(simple) == 0:
			r := newReservation(payers[random.IntN(2)], fmt.Sprint(i))
			r.Metric, r.Source = []string{"tokens", "calls"}[random.IntN(2)], []string{"a", "b"}[random.IntN(2)]
			r.Period, r.CreatedAt = []time.Time{monthOf(now), monthOf(lastMonth)}[random.IntN(2)], now.AddDate(0, 0, random.IntN(3))
			r.Units, r.Until = 1+random.Int64N(10), now.Add(time.Duration(random.IntN(60))*time.Second)
			reserve(t, s, r)
			simple = append(simple, &known{Reservation: r})
		case what < 9:
			var uses []storage.Use
			for range 1 + random.IntN(4) {
				k := any()
				u := storage.Use{CustomerID: k.CustomerID, ID: k.ID, Used: random.Int64N(15), Done: random.IntN(4) == 0}
				if random.IntN(3) == 0 {
					u.Until = now.Add(time.Duration(random.IntN(60)) * time.Second)
				}
				settle(k, u)
				uses = append(uses, u)
			}
			ok(t, s.Settle(ctx, uses))
		default:
			at, want := now.Add(time.Duration(random.IntN(30))*time.Second), 0
			for _, k := range simple {
				if !k.done && k.Until.Before(at) {
					k.done = true
					want++
				}
			}
			n, err := s.SettleExpired(ctx, at)
			ok(t, err)
			equal(t, n, want, "number of expired reservations")
		}
	}
	type key struct {
		customer storage.CustomerID
		day      storage.DayUsage // without the number
	}
	balances, days := map[storage.Count]storage.Balance{}, map[key]int64{}
	for _, k := range simple {
		count := storage.Count{CustomerID: k.CustomerID, Metric: k.Metric, Period: k.Period}
		b := balances[count]
		b.Used += k.used
		if !k.done {
			b.Held += max(0, k.Units-k.used)
		}
		balances[count] = b
		if k.used > 0 {
			days[key{k.CustomerID, used(k.Reservation, 0)}] += k.used
		}
	}
	for c, want := range balances {
		got, err := s.Balance(ctx, c.CustomerID, c.Metric, c.Period)
		ok(t, err)
		equal(t, got, want, fmt.Sprintf("balance of %+v", c))
	}
	got := map[key]int64{}
	for _, payer := range payers {
		list, err := s.UsageByDay(ctx, payer, lastMonth, now.AddDate(0, 1, 0))
		ok(t, err)
		for _, d := range list {
			n := d.Used
			d.Used = 0
			got[key{payer, d}] = n
		}
	}
	equal(t, got, days, "usage by day")
}
