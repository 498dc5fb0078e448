package storagetest_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// billing shows the role of the store that it wraps.
type billing struct {
	storage.Store
	storage.Billing
}

func billingOf(s storage.Store) billing {
	role, _ := storage.RoleOf[storage.Billing](s)
	return billing{s, role}
}

// hides has no Unwrap.
type hides struct{ storage.Store }

type noBillingInside struct{ billing }

func (s noBillingInside) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error { return fn(ctx, hides{tx}) })
}

// outOfTx stores notices whatever becomes of the transaction.
type outOfTx struct{ billing }

func (s outOfTx) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	var after []storage.Notice
	err := s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		return fn(ctx, notesNotices{billingOf(tx), &after})
	})
	for _, n := range after {
		_ = s.CreateNotice(context.WithoutCancel(ctx), n)
	}
	return err
}

type notesNotices struct {
	billing
	after *[]storage.Notice
}

func (s notesNotices) CreateNotice(ctx context.Context, n storage.Notice) error {
	*s.after = append(*s.after, n)
	return s.billing.CreateNotice(ctx, n)
}

// leasesTwice looks first and leases then.
type leasesTwice struct{ billing }

func (s leasesTwice) LeaseAccounts(ctx context.Context, lease string, now, until time.Time, limit int) ([]storage.Account, error) {
	list, err := s.Accounts(ctx, storage.Page{Limit: 1000})
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(a storage.Account) bool {
		return a.DueAt.IsZero() || a.DueAt.After(now) || a.LeasedUntil.After(now)
	})
	slices.SortFunc(list, func(a, b storage.Account) int { return a.DueAt.Compare(b.DueAt) })
	list = list[:max(0, min(limit, len(list)))]
	time.Sleep(moment)
	for i, a := range list {
		list[i], err = s.UpdateAccount(ctx, a.CustomerID, func(a *storage.Account) error {
			a.Lease, a.LeasedUntil = lease, until
			return nil
		})
	}
	return list, err
}

type leasesLeased struct{ billing }

func (s leasesLeased) LeaseAccounts(ctx context.Context, lease string, now, until time.Time, limit int) ([]storage.Account, error) {
	return s.billing.LeaseAccounts(ctx, lease, now.Add(time.Microsecond), until, limit)
}

// namesIgnoreCase finds an account by another's name.
type namesIgnoreCase struct{ billing }

func (s namesIgnoreCase) AccountByName(ctx context.Context, names ...string) (storage.CustomerID, error) {
	names = slices.Clone(names)
	for i, name := range names {
		names[i] = strings.ToLower(name)
	}
	return s.billing.AccountByName(ctx, names...)
}

type lastNameFirst struct{ billing }

func (s lastNameFirst) AccountByName(ctx context.Context, names ...string) (storage.CustomerID, error) {
	names = slices.Clone(names)
	slices.Reverse(names)
	return s.billing.AccountByName(ctx, names...)
}

type accountOfAll struct{ billing }

func (s accountOfAll) Account(ctx context.Context, customer storage.CustomerID) (storage.Account, error) {
	a, err := s.billing.Account(ctx, customer)
	if errors.Is(err, storage.ErrNotFound) {
		if list, _ := s.Accounts(ctx, storage.Page{Limit: 1}); len(list) > 0 {
			return list[0], nil
		}
	}
	return a, err
}

type losesAccounts struct{ billing }

func (s losesAccounts) UpdateAccount(ctx context.Context, customer storage.CustomerID, change func(*storage.Account) error) (storage.Account, error) {
	a, err := s.Account(ctx, customer)
	if err != nil {
		return a, err
	}
	if err := change(&a); err != nil {
		return a, err
	}
	time.Sleep(moment)
	return s.billing.UpdateAccount(ctx, customer, func(stored *storage.Account) error { *stored = a; return nil })
}

type returnsMade struct{ billing }

func (s returnsMade) UpdateCheckout(ctx context.Context, customer storage.CustomerID, id string, change func(*storage.Checkout) error) (made storage.Checkout, err error) {
	_, err = s.billing.UpdateCheckout(ctx, customer, id, func(c *storage.Checkout) error {
		err := change(c)
		made = *c
		return err
	})
	return made, err
}

type oldestSession struct{ billing }

func (s oldestSession) CheckoutBySession(ctx context.Context, session [32]byte) (storage.Checkout, error) {
	found, err := s.billing.CheckoutBySession(ctx, session)
	customers, _ := everyone(ctx, s)
	for _, customer := range customers {
		list, _ := s.Checkouts(ctx, customer.ID, storage.Page{Limit: 1000})
		for _, c := range list {
			if err == nil && c.Session == session && c.ID < found.ID {
				found = c
			}
		}
	}
	return found, err
}

type swallowsNotices struct{ billing }

func (s swallowsNotices) CreateNotice(ctx context.Context, n storage.Notice) error {
	return swallow(s.billing.CreateNotice(ctx, n))
}

type oneProvider struct{ billing }

func (s oneProvider) CreateNotice(ctx context.Context, n storage.Notice) error {
	if n.Provider == "fake" {
		n.Provider = "stripe"
	}
	return s.billing.CreateNotice(ctx, n)
}

// lastReceived goes by our clock.
type lastReceived struct{ billing }

func (s lastReceived) CreateNotice(ctx context.Context, n storage.Notice) error {
	n.CreatedAt = n.ReceivedAt
	return s.billing.CreateNotice(ctx, n)
}

type notCounted struct{ billing }

func (s notCounted) TakeEffects(ctx context.Context, now, again time.Time, limit int) ([]storage.Effect, error) {
	list, err := s.billing.TakeEffects(ctx, now, again, limit)
	for i, e := range list {
		list[i], _ = s.UpdateEffect(ctx, e.ID, func(e *storage.Effect) error { e.Attempts--; return nil })
	}
	return list, err
}

// undone takes effects again that are done.
type undone struct{ billing }

func (s undone) UpdateEffect(ctx context.Context, id string, change func(*storage.Effect) error) (storage.Effect, error) {
	return s.billing.UpdateEffect(ctx, id, func(e *storage.Effect) error {
		err := change(e)
		e.DoneAt = time.Time{}
		return err
	})
}

func (s undone) CreateEffect(ctx context.Context, e storage.Effect) error {
	e.DoneAt = time.Time{}
	return s.billing.CreateEffect(ctx, e)
}

type forgetsDone struct{ billing }

func (s forgetsDone) CreateEffect(ctx context.Context, e storage.Effect) error {
	if err := s.billing.CreateEffect(ctx, e); !errors.Is(err, storage.ErrExists) {
		return err
	}
	_, err := s.UpdateEffect(ctx, e.ID, func(stored *storage.Effect) error {
		if stored.DoneAt.IsZero() {
			return storage.ErrExists
		}
		stored.DoneAt = time.Time{}
		return nil
	})
	return err
}

type anyEffectID struct{ billing }

func (s anyEffectID) CreateEffect(ctx context.Context, e storage.Effect) error {
	e.ID = e.ID[:min(len(e.ID), 1000)]
	return s.billing.CreateEffect(ctx, e)
}

type deletesActive struct{ billing }

func (s deletesActive) DeletePending(ctx context.Context, t time.Time) (int, error) {
	customers, err := everyone(ctx, s)
	for _, c := range customers {
		if c.CreatedAt.Before(t) {
			_, _ = s.UpdateCustomer(ctx, c.ID, func(c *storage.Customer) error { c.Status = storage.StatusPending; return nil })
		}
	}
	n, err2 := s.billing.DeletePending(ctx, t)
	return n, errors.Join(err, err2)
}

// deletesNamed takes customers without their account's name for others.
type deletesNamed struct{ billing }

var givenNames sync.Map // customers by name

func (s deletesNamed) NameAccount(_ context.Context, customer storage.CustomerID, names ...string) error {
	for _, name := range names {
		givenNames.Store(name, customer)
	}
	return nil
}

func (s deletesNamed) AccountByName(_ context.Context, names ...string) (storage.CustomerID, error) {
	for _, name := range names {
		if id, ok := givenNames.Load(name); ok {
			return id.(storage.CustomerID), nil
		}
	}
	return "", storage.ErrNotFound
}

// keepsEffects brings the effects of deleted customers back.
type keepsEffects struct{ billing }

var keptEffects sync.Map // by ID

func (s keepsEffects) CreateEffect(ctx context.Context, e storage.Effect) error {
	keptEffects.Store(e.ID, e)
	return s.billing.CreateEffect(ctx, e)
}

func (s keepsEffects) DeletePending(ctx context.Context, t time.Time) (int, error) {
	n, err := s.billing.DeletePending(ctx, t)
	for _, e := range keptEffects.Range {
		_ = s.billing.CreateEffect(ctx, e.(storage.Effect))
	}
	return n, err
}

type accountsOldestFirst struct{ billing }

func (s accountsOldestFirst) Accounts(ctx context.Context, p storage.Page) ([]storage.Account, error) {
	list, err := s.billing.Accounts(ctx, p)
	slices.Reverse(list)
	return list, err
}

type allFail struct{ billing }

func (s allFail) FailingAccounts(ctx context.Context, limit int) ([]storage.Account, error) {
	list, err := s.Accounts(ctx, storage.Page{Limit: max(limit, 0)})
	slices.SortFunc(list, func(a, b storage.Account) int {
		return cmp.Or(cmp.Compare(b.Failures, a.Failures), cmp.Compare(a.CustomerID, b.CustomerID))
	})
	return list, err
}

type roundsLease struct{ billing }

func (s roundsLease) LeaseAccounts(ctx context.Context, lease string, now, until time.Time, limit int) ([]storage.Account, error) {
	return s.billing.LeaseAccounts(ctx, lease, now, until.Round(time.Microsecond), limit)
}

type stripsNames struct{ billing }

func (s stripsNames) NameAccount(ctx context.Context, customer storage.CustomerID, names ...string) error {
	names = slices.Clone(names)
	for i, name := range names {
		names[i] = strings.ReplaceAll(name, "\x00", "")
	}
	return s.billing.NameAccount(ctx, customer, names...)
}

type anyRequest struct{ billing }

func (s anyRequest) CreateCheckout(ctx context.Context, c storage.Checkout) error {
	if string(c.Request) == "null" {
		c.Request = json.RawMessage("{}")
	}
	return s.billing.CreateCheckout(ctx, c)
}

type endless struct{ billing }

func (s endless) Reserve(ctx context.Context, r storage.Reservation, limit int64) (storage.Balance, error) {
	return s.billing.Reserve(context.WithoutCancel(ctx), r, limit)
}

// cachesAccount gives the same record again.
type cachesAccount struct{ billing }

var cachedAccount sync.Map // by customer

func (s cachesAccount) CreateAccount(ctx context.Context, a storage.Account) error {
	cachedAccount.Store(a.CustomerID, a)
	return s.billing.CreateAccount(ctx, a)
}

func (s cachesAccount) Account(ctx context.Context, customer storage.CustomerID) (storage.Account, error) {
	a, err := s.billing.Account(ctx, customer)
	if cached, known := cachedAccount.Load(customer); known && err == nil {
		a.Data = cached.(storage.Account).Data
	}
	return a, err
}

type endlessKeys struct{ storage.Store }

func (s endlessKeys) KeyStates(ctx context.Context, ids []storage.KeyID) (map[storage.KeyID]storage.KeyState, error) {
	states, err := s.Store.KeyStates(ctx, ids)
	for id, state := range states {
		state.EntitledUntil = time.Time{}
		states[id] = state
	}
	return states, err
}
