package storagetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// billingConcurrent are the checks of what holds when many use the role at once.
var billingConcurrent = []check{
	{"EveryMethodAtOnce", testAtOnce(billing)},
	{"PagingWhileRecordsArrive", of(billingListings, testPagingWhileRecordsArrive)},
	{"NoUpdateIsLost", of(withBilling, testNoBillingUpdateIsLost)},
	{"OneCreatorWins", of(withBilling, testOneBillingCreatorWins)},
	{"AccountsAreLeasedOnce", of(withBilling, testLeasedOnce)},
	{"EffectsAreTakenOnce", of(withBilling, testTakenOnce)},
	{"NameAccountsTogether", of(withBilling, testNameTogether)},
	{"ReserveTogether", of(withBilling, testReserveTogether)},
	{"SettleTogether", of(withBilling, testSettleTogether)},
	{"MarkReportedTogether", of(withBilling, testMarkTogether)},
	{"DeletePendingMeanwhile", of(withBilling, testDeletePendingMeanwhile)},
}

// both runs f outside of transactions, and inside one each time.
func both(t *testing.T, s billingStore, f func(what string, do func(func(billingStore) error) error)) {
	t.Helper()
	f("outside a transaction", func(do func(billingStore) error) error { return do(s) })
	f("inside a transaction", func(do func(billingStore) error) error { return s.inTx(t, do) })
}

// testNoBillingUpdateIsLost counts up in several goroutines.
func testNoBillingUpdateIsLost(t *testing.T, s billingStore) {
	const rounds = 10
	ctx := t.Context()
	both(t, s, func(what string, do func(func(billingStore) error) error) {
		f := fillBilling(t, s)
		update := func(s billingStore) error {
			_, err1 := s.UpdateAccount(ctx, f.customer.ID, func(a *storage.Account) error { a.Heard++; return nil })
			_, err2 := s.UpdateCheckout(ctx, f.customer.ID, f.checkout.ID, func(c *storage.Checkout) error {
				n, _ := strconv.Atoi(string(c.KeyID))
				c.KeyID = storage.KeyID(strconv.Itoa(n + 1))
				return nil
			})
			_, err3 := s.UpdateEffect(ctx, f.effect.ID, func(e *storage.Effect) error { e.Attempts++; return nil })
			return errors.Join(err1, err2, err3)
		}
		together(func(int) {
			for range rounds {
				if err := do(update); err != nil {
					t.Errorf("update %s: %v", what, err)
				}
			}
		})
		a, err := s.Account(ctx, f.customer.ID)
		ok(t, err)
		equal(t, a.Heard, int64(workers*rounds), "account, counted up "+what)
		c, err := s.CheckoutBySession(ctx, f.checkout.Session)
		ok(t, err)
		equal(t, c.KeyID, storage.KeyID(fmt.Sprint(workers*rounds)), "checkout, counted up "+what)
		equal(t, effect(t, s, f.effect.ID).Attempts, workers*rounds, "effect, counted up "+what)
	})
}

func testOneBillingCreatorWins(t *testing.T, s billingStore) {
	ctx := t.Context()
	payer := newPayer(t, s)
	const callers = 20
	both(t, s, func(what string, do func(func(billingStore) error) error) {
		bare := newCustomer("bare " + what)
		ok(t, s.CreateCustomer(ctx, bare))
		same := "same " + what
		for of, create := range map[string]func(s billingStore) error{
			"account":  func(s billingStore) error { return s.CreateAccount(ctx, newAccount(bare.ID)) },
			"checkout": func(s billingStore) error { return s.CreateCheckout(ctx, newCheckout(payer, same)) },
			"notice":   func(s billingStore) error { return s.CreateNotice(ctx, newNotice("provider", same)) },
			"effect":   func(s billingStore) error { return s.CreateEffect(ctx, newEffect(same)) },
			"reservation": func(s billingStore) error {
				_, err := s.Reserve(ctx, newReservation(payer, same), -1)
				return err
			},
		} {
			oneOf(t, callers, of+" "+what, storage.ErrExists, func(int) error { return do(create) })
		}
	})
	checkBalance(t, s, newReservation(payer, ""), 0, 2*10, "of two reservations that many tried")
}

// drain has several take records until nothing is left, and checks that all are
// taken and none twice.
func drain(t *testing.T, what string, all int, take func(worker string) ([]string, error)) {
	t.Helper()
	var mu sync.Mutex
	takers := map[string][]string{}
	together(func(worker int) {
		name := fmt.Sprint("worker ", worker)
		for {
			taken, err := take(name)
			if err != nil {
				t.Errorf("%s: %v", what, err)
				return
			}
			mu.Lock()
			for _, id := range taken {
				takers[id] = append(takers[id], name)
			}
			done := len(takers) >= all
			mu.Unlock()
			if done || len(taken) == 0 {
				return
			}
		}
	})
	for id, names := range takers {
		if len(names) > 1 {
			t.Errorf("%s: %q was given to %v", what, id, names)
		}
	}
	// Those of others may have been locked when the last one looked.
	for len(takers) < all {
		taken, err := take("the last")
		ok(t, err)
		if len(taken) == 0 {
			t.Fatalf("%s: %d of %d were given to somebody", what, len(takers), all)
		}
		for _, id := range taken {
			takers[id] = append(takers[id], "the last")
		}
	}
}

func testLeasedOnce(t *testing.T, s billingStore) {
	ctx := t.Context()
	const accounts = 60
	both(t, s, func(what string, do func(func(billingStore) error) error) {
		for range accounts {
			payer := newPayer(t, s)
			_, err := s.UpdateAccount(ctx, payer, func(a *storage.Account) error { a.DueAt = now; return nil })
			ok(t, err)
		}
		drain(t, "LeaseAccounts "+what, accounts, func(worker string) (ids []string, err error) {
			err = do(func(s billingStore) error {
				list, err := s.LeaseAccounts(ctx, worker, now, now.Add(time.Hour), 4)
				for _, a := range list {
					ids = append(ids, string(a.CustomerID))
				}
				return err
			})
			return ids, err
		})
	})
}

func testTakenOnce(t *testing.T, s billingStore) {
	ctx := t.Context()
	const effects = 60
	both(t, s, func(what string, do func(func(billingStore) error) error) {
		for range effects {
			ok(t, s.CreateEffect(ctx, newEffect(storage.NewID())))
		}
		drain(t, "TakeEffects "+what, effects, func(string) (ids []string, err error) {
			err = do(func(s billingStore) error {
				list, err := s.TakeEffects(ctx, now, now.Add(time.Hour), 4)
				for _, e := range list {
					ids = append(ids, e.ID)
				}
				return err
			})
			return ids, err
		})
	})
}

// testNameTogether has several give the same names to different accounts, each in
// an order of its own.
func testNameTogether(t *testing.T, s billingStore) {
	ctx := t.Context()
	var payers [workers]storage.CustomerID
	for i := range payers {
		payers[i] = newPayer(t, s)
	}
	var names []string
	for i := range 400 {
		names = append(names, fmt.Sprint("name ", i))
	}
	together(func(worker int) {
		mine := slices.Clone(names)
		rand.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
		if err := s.NameAccount(ctx, payers[worker], mine...); err != nil {
			t.Errorf("NameAccount: %v", err)
		}
	})
	for _, name := range names {
		owner, err := s.AccountByName(ctx, name)
		ok(t, err)
		if !slices.Contains(payers[:], owner) {
			t.Errorf("%q belongs to %q", name, owner)
		}
	}
}

// testReserveTogether has fifty ask for what is enough for twenty.
func testReserveTogether(t *testing.T, s billingStore) {
	ctx := t.Context()
	const callers, limit = 50, 20
	both(t, s, func(what string, do func(func(billingStore) error) error) {
		payer := newPayer(t, s)
		var won atomic.Int64
		crowd(callers, func(worker int) {
			r := newReservation(payer, fmt.Sprint(worker))
			r.Units = 1
			var balance storage.Balance
			err := do(func(s billingStore) (err error) { balance, err = s.Reserve(ctx, r, limit); return err })
			if err == nil {
				won.Add(1)
			} else {
				wantErr(t, err, storage.ErrConflict, "Reserve "+what)
				equal(t, balance, storage.Balance{Held: limit}, "the balance of who is refused "+what)
			}
			if balance.Held > limit || balance.Held < 1 {
				t.Errorf("Reserve %s: the balance is %+v, the limit is %d", what, balance, limit)
			}
		})
		equal(t, won.Load(), int64(limit), "how many reserved one unit "+what)
		checkBalance(t, s, newReservation(payer, ""), 0, limit, "afterwards, "+what)
	})
}

// testSettleTogether has several settle the same uses of several customers, each
// in an order of its own, while others reserve and settle what has expired.
func testSettleTogether(t *testing.T, s billingStore) {
	ctx := t.Context()
	const each, metrics, rounds = 40, 3, 5
	var payers [4]storage.CustomerID
	for i := range payers {
		payers[i] = newPayer(t, s)
	}
	with := func(payer storage.CustomerID, id string, i int) storage.Reservation {
		r := newReservation(payer, id)
		r.Metric, r.Source = fmt.Sprint("metric ", i%metrics), fmt.Sprint("source ", i%5)
		return r
	}
	var uses []storage.Use
	for _, payer := range payers {
		for i := range each {
			r := with(payer, fmt.Sprint(i), i)
			if i%4 == 0 {
				r.Until = lastMonth
			}
			reserve(t, s, r)
			uses = append(uses, storage.Use{CustomerID: payer, ID: r.ID, Used: 3, Done: i%2 == 0})
		}
	}
	together(func(worker int) {
		mine := slices.Clone(uses)
		for round := range rounds {
			rand.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			if err := s.Settle(ctx, mine); err != nil {
				t.Errorf("Settle: %v", err)
			}
			if _, err := s.SettleExpired(ctx, now); err != nil {
				t.Errorf("SettleExpired: %v", err)
			}
			// Others settle other reservations of the same counts.
			var others []storage.Use
			for i := range len(payers) * metrics {
				r := with(payers[i%len(payers)], fmt.Sprint("new ", worker, " ", round, " ", i), i)
				if _, err := s.Reserve(ctx, r, -1); err != nil {
					t.Errorf("Reserve: %v", err)
				}
				others = append(others, storage.Use{CustomerID: r.CustomerID, ID: r.ID, Used: 1})
			}
			if err := s.Settle(ctx, others); err != nil {
				t.Errorf("Settle: %v", err)
			}
		}
	})
	for i, payer := range payers {
		var sum storage.Balance
		for m := range metrics {
			b, err := s.Balance(ctx, payer, fmt.Sprint("metric ", m), monthOf(now))
			ok(t, err)
			sum.Used += b.Used
			sum.Held += b.Held
		}
		const fresh = workers * rounds * metrics
		want := storage.Balance{Used: each*3 + fresh, Held: each/2*7 + fresh*9}
		equal(t, sum, want, fmt.Sprintf("balance of customer %d over all metrics", i))
		days, err := s.UsageByDay(ctx, payer, yesterday, now.AddDate(0, 0, 1))
		ok(t, err)
		var used int64
		for _, d := range days {
			used += d.Used
		}
		equal(t, used, want.Used, fmt.Sprintf("usage of customer %d over all metrics and sources", i))
	}
}

func testMarkTogether(t *testing.T, s billingStore) {
	f := fillBilling(t, s)
	oneWins(t, "marking a count", storage.ErrConflict, func(worker int) error {
		return s.MarkReported(t.Context(), f.unreported, int64(10+worker))
	})
}

// testDeletePendingMeanwhile deletes customers while others store something of
// theirs: either it comes before and goes with them, or it finds nobody.
func testDeletePendingMeanwhile(t *testing.T, s billingStore) {
	ctx := t.Context()
	store := func(s billingStore, id storage.CustomerID) error {
		if _, err := s.UpdateAccount(ctx, id, func(a *storage.Account) error { a.Heard++; return nil }); err != nil {
			return err
		}
		for range 3 {
			if err := s.AppendEvent(ctx, newEvent(id, storage.NewID())); err != nil {
				return err
			}
			if _, err := s.Reserve(ctx, newReservation(id, storage.NewID()), -1); err != nil {
				return err
			}
		}
		return nil
	}
	both(t, s, func(what string, do func(func(billingStore) error) error) {
		for range 5 {
			var pending []storage.CustomerID
			for range 3 {
				c := newCustomer(storage.NewID())
				c.Status, c.CreatedAt = storage.StatusPending, lastMonth
				ok(t, s.CreateCustomer(ctx, c))
				ok(t, s.CreateAccount(ctx, newAccount(c.ID)))
				pending = append(pending, c.ID)
			}
			var deleted atomic.Bool
			together(func(worker int) {
				if worker > 0 {
					for id := pending[worker%len(pending)]; !deleted.Load(); {
						err := do(func(s billingStore) error { return store(s, id) })
						if err != nil {
							wantErr(t, err, storage.ErrNotFound, "storing something of a customer who is deleted meanwhile, "+what)
						}
					}
					return
				}
				time.Sleep(5 * time.Millisecond) // lets the others begin
				n, err := s.DeletePending(ctx, now)
				deleted.Store(true)
				if err != nil {
					t.Errorf("DeletePending: %v", err)
				}
				equal(t, n, len(pending), "number of deleted customers, "+what)
			})
			for _, id := range pending {
				_, err := s.Customer(ctx, id)
				wantErr(t, err, storage.ErrNotFound, "a deleted customer")
			}
		}
	})
}
