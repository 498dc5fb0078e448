package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// RunConcurrent checks what holds when many use the store at once. It is meant
// to be run with the race detector.
func RunConcurrent(t *testing.T, open func(t *testing.T) storage.Store) {
	run(t, open, []check{
		{"EveryMethodAtOnce", testAtOnce(core)},
		{"NoUpdateIsLost", testNoUpdateIsLost},
		{"OneCreatorWins", testOneCreatorWins},
		{"OneDeleterWins", testOneDeleterWins},
		{"NoHalfTransactionIsSeen", testNoHalf},
		{"PagingWhileRecordsArrive", of(listings, testPagingWhileRecordsArrive)},
		{"TouchKeysTogether", testTouchTogether},
		{"WaitingEndsWithTheContext", testWaitingEnds},
	})
}

const workers = 8

// together runs f in several goroutines, which it lets go at the same time.
func together(f func(worker int)) { crowd(workers, f) }

// crowd is together of n.
func crowd(n int, f func(worker int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

func testAtOnce(in func(*testing.T, storage.Store) sample) func(*testing.T, storage.Store) {
	return func(t *testing.T, s storage.Store) {
		var samples [workers]sample
		for i := range samples {
			samples[i] = in(t, s)
		}
		together(func(worker int) {
			for method, args := range samples[worker].calls() {
				samples[worker].restore(t)
				if err := call(samples[worker].on, t.Context(), method, args); err != nil {
					t.Errorf("%s: %v", method, err)
				}
			}
		})
		for _, s := range samples {
			s.called(t)
		}
	}
}

// testNoUpdateIsLost counts up in several goroutines.
func testNoUpdateIsLost(t *testing.T, s storage.Store) {
	const rounds = 10
	ctx := t.Context()
	next := func(n string) string {
		i, _ := strconv.Atoi(n)
		return strconv.Itoa(i + 1)
	}
	customer := func(s storage.Store, f fixture) error {
		_, err := s.UpdateCustomer(ctx, f.customer.ID, func(c *storage.Customer) error { c.Plan = next(c.Plan); return nil })
		return err
	}
	key := func(s storage.Store, f fixture) error {
		_, err := s.UpdateKey(ctx, f.customer.ID, f.key.ID, func(k *storage.Key) error { k.Name = next(k.Name); return nil })
		return err
	}
	document := func(s storage.Store, f fixture) error {
		_, err := s.UpdateDocument(ctx, f.customer.ID, "content", f.document.ID, func(d *storage.Document) error {
			var data struct{ N int }
			if err := json.Unmarshal(d.Data, &data); err != nil {
				return err
			}
			d.Data = json.RawMessage(fmt.Sprintf(`{"n":%d}`, data.N+1))
			return nil
		})
		return err
	}
	for what, update := range map[string]func(storage.Store, fixture) error{
		"outside a transaction": func(s storage.Store, f fixture) error {
			return errors.Join(customer(s, f), key(s, f), document(s, f))
		},
		"inside a transaction": func(s storage.Store, f fixture) error {
			return s.InTx(ctx, func(_ context.Context, tx storage.Store) error {
				return errors.Join(tx.AppendEvent(ctx, newEvent(f.customer.ID, storage.NewID())), customer(tx, f), key(tx, f), document(tx, f))
			})
		},
	} {
		f := fill(t, s)
		together(func(int) {
			for range rounds {
				if err := update(s, f); err != nil {
					t.Errorf("update %s: %v", what, err)
				}
			}
		})
		got := read(t, s, f.customer.ID)
		equal(t, got.Customer.Plan, fmt.Sprint(workers*rounds), "customer, counted up "+what)
		equal(t, got.Keys[0].Name, fmt.Sprint(workers*rounds), "key, counted up "+what)
		if want := fmt.Sprintf(`{"n":%d}`, workers*rounds+1); !sameJSON(got.Documents[0].Data, json.RawMessage(want)) {
			t.Errorf("document, counted up %s: got %s, want %s", what, got.Documents[0].Data, want)
		}
	}
}

func testOneCreatorWins(t *testing.T, s storage.Store) {
	ctx := t.Context()
	f := fill(t, s)
	var existing [workers]storage.Customer
	for i := range existing {
		existing[i] = newCustomer(fmt.Sprint("existing ", i))
		ok(t, s.CreateCustomer(ctx, existing[i]))
	}
	for what, create := range map[string]func(worker int) error{
		"customer by ID": func(int) error { return s.CreateCustomer(ctx, newCustomer("same")) },
		"customer by external ID": func(int) error {
			c := newCustomer(storage.NewID())
			c.ExternalID = "same"
			return s.CreateCustomer(ctx, c)
		},
		"customer by idempotency key": func(int) error {
			c := newCustomer(storage.NewID())
			c.IdempotencyKey = "same"
			return s.CreateCustomer(ctx, c)
		},
		"customer by idempotency key, in a transaction": func(int) error {
			return s.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
				c := newCustomer(storage.NewID())
				c.IdempotencyKey = "same in transaction"
				if err := tx.CreateCustomer(ctx, c); err != nil {
					return err
				}
				return tx.CreateKey(ctx, newKey(c.ID, storage.NewID()))
			})
		},
		"new name of a customer": func(worker int) error {
			_, err := s.UpdateCustomer(ctx, existing[worker].ID, func(c *storage.Customer) error { c.ExternalID = "same new"; return nil })
			return err
		},
		"key by ID": func(worker int) error {
			k := newKey(f.customer.ID, "same")
			k.Hash = [32]byte{byte(worker)}
			return s.CreateKey(ctx, k)
		},
		"key by hash": func(int) error {
			k := newKey(f.customer.ID, storage.NewID())
			k.Hash = [32]byte{0xff}
			return s.CreateKey(ctx, k)
		},
		"event":    func(int) error { return s.AppendEvent(ctx, newEvent(f.customer.ID, "same")) },
		"document": func(int) error { return s.CreateDocument(ctx, newDocument(f.customer.ID, "same")) },
	} {
		oneWins(t, what, storage.ErrExists, create)
	}
}

func testOneDeleterWins(t *testing.T, s storage.Store) {
	f := fill(t, s)
	oneWins(t, "deleting a key", storage.ErrNotFound, func(int) error {
		return s.DeleteKey(t.Context(), f.customer.ID, f.key.ID)
	})
	oneWins(t, "deleting a document", storage.ErrNotFound, func(int) error {
		return s.DeleteDocument(t.Context(), f.customer.ID, "content", f.document.ID)
	})
}

func oneWins(t *testing.T, what string, others error, try func(worker int) error) {
	t.Helper()
	oneOf(t, workers, what, others, try)
}

// oneOf has n try something in which one must succeed; the others get an error.
func oneOf(t *testing.T, n int, what string, others error, try func(worker int) error) {
	t.Helper()
	var won atomic.Int32
	crowd(n, func(worker int) {
		if err := try(worker); err == nil {
			won.Add(1)
		} else {
			wantErr(t, err, others, what)
		}
	})
	equal(t, won.Load(), 1, "how many succeeded: "+what)
}

// testNoHalf makes customers with their keys, each in one transaction, while
// others look: whoever sees the customer sees the key.
func testNoHalf(t *testing.T, s storage.Store) {
	ctx := t.Context()
	var writers atomic.Int32
	writers.Store(workers / 2)
	together(func(worker int) {
		if worker < workers/2 {
			defer writers.Add(-1)
			for range 10 {
				err := s.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
					c := newCustomer(storage.NewID())
					if err := tx.CreateCustomer(ctx, c); err != nil {
						return err
					}
					return tx.CreateKey(ctx, newKey(c.ID, storage.NewID()))
				})
				if err != nil {
					t.Errorf("make a customer with a key: %v", err)
				}
			}
			return
		}
		for last := false; !last; {
			last = writers.Load() == 0
			customers, err := s.Customers(ctx, storage.CustomerQuery{Page: all})
			if err != nil {
				t.Errorf("Customers: %v", err)
				return
			}
			for _, c := range customers {
				keys, err := s.Keys(ctx, c.ID, all)
				if err != nil || len(keys) != 1 {
					t.Errorf("keys of a customer made with one: got %d, error %v", len(keys), err)
				}
			}
		}
	})
}

func testPagingWhileRecordsArrive(t *testing.T, rows map[string]listing) {
	for name, l := range rows {
		var old []string
		for i := 10; i < 40; i++ {
			ok(t, l.add(fmt.Sprint(i)))
			old = append([]string{fmt.Sprint(i)}, old...)
		}
		var readers atomic.Int32
		readers.Store(workers - 1)
		together(func(worker int) {
			if worker == 0 {
				for i := 1000; readers.Load() > 0; i++ {
					if err := l.add(fmt.Sprintf("9%d", i)); err != nil {
						t.Errorf("%s, add: %v", name, err)
						return
					}
				}
				return
			}
			defer readers.Add(-1)
			var seen []string
			p := storage.Page{Limit: 4, Before: "40"}
			for len(seen) <= len(old) {
				page, err := l.list(p)
				if err != nil {
					t.Errorf("%s, page %+v: %v", name, p, err)
					return
				}
				if len(page) == 0 {
					break
				}
				seen = append(seen, page...)
				p.Before = page[len(page)-1]
			}
			equal(t, seen, old, name+", page by page")
		})
	}
}

// testTouchTogether has some touch many keys and others a few, which a database
// may go through in different orders.
func testTouchTogether(t *testing.T, s storage.Store) {
	ctx := t.Context()
	c := newCustomer("c")
	ok(t, s.CreateCustomer(ctx, c))
	const keys, rounds = 300, 8
	ok(t, s.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		for i := range keys {
			if err := tx.CreateKey(ctx, newKey(c.ID, fmt.Sprintf("%03d", keys-1-i))); err != nil {
				return err
			}
		}
		return nil
	}))
	together(func(worker int) {
		for round := range rounds {
			used := map[storage.KeyID]time.Time{}
			for i := range keys {
				if worker%2 == 0 || i%100 == 0 {
					used[storage.KeyID(fmt.Sprintf("%03d", i))] = now.Add(time.Duration(worker+round*workers) * time.Second)
				}
			}
			if err := s.TouchKeys(ctx, used); err != nil {
				t.Errorf("TouchKeys: %v", err)
			}
		}
	})
	list, err := s.Keys(ctx, c.ID, all)
	ok(t, err)
	last := now.Add((rounds*workers - 1) * time.Second)
	wrong := count(list, func(k storage.Key) bool {
		want := last
		if k.ID[1:] != "00" {
			want = last.Add(-time.Second) // of the last worker that touches all
		}
		return k.LastUsedAt != want
	})
	if wrong > 0 {
		t.Errorf("%d of %d keys don't have the last use on record", wrong, len(list))
	}
}

// testWaitingEnds has one wait for a record that a transaction holds.
func testWaitingEnds(t *testing.T, s storage.Store) {
	f := fill(t, s)
	before := read(t, s, f.customer.ID)
	held, done := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(done) })
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.InTx(t.Context(), func(ctx context.Context, tx storage.Store) error {
			_, err := tx.UpdateCustomer(ctx, f.customer.ID, func(*storage.Customer) error { return nil })
			close(held)
			<-done
			return err
		})
		if err != nil {
			t.Errorf("the transaction that holds the record: %v", err)
		}
	})
	<-held
	late := time.AfterFunc(3*time.Second, func() {
		t.Error("UpdateCustomer went on waiting for 3 s after its context had ended")
		release()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.UpdateCustomer(ctx, f.customer.ID, func(c *storage.Customer) error { c.Plan = "spoilt"; return nil })
	late.Stop()
	wantErr(t, err, context.DeadlineExceeded, "UpdateCustomer that has to wait")
	release()
	wg.Wait()
	unchanged(t, s, before, "giving up")
}
