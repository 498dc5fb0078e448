package subscription

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/storage"
)

const (
	interval    = 2 * time.Second  // between looks for accounts that are due
	leaseTime   = 15 * time.Second // after which the work of a dead process is taken over
	renewal     = 5 * time.Second
	readTimeout = 40 * time.Second // with the provider's own attempts
	readers     = 8                // at once

	// lookTime is how long somebody who waits is kept waiting for the provider.
	lookTime = 8 * time.Second
	// restTime is how old an answer to a waiting buyer may be.
	restTime = 2 * time.Second
)

// Run works on accounts that are due until ctx ends. Several replicas may run it.
func (s *Service) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	if s.Provider != nil {
		wg.Go(func() { s.catchUp(ctx) })
		for range readers {
			wg.Go(func() { s.listen(ctx) })
		}
	}
	ticker, sweep := time.NewTicker(interval), time.NewTicker(time.Hour)
	defer ticker.Stop()
	defer sweep.Stop()
	for {
		more, err := s.Work(ctx)
		s.workFailed(ctx, "billing accounts", err)
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-sweep.C:
			s.workFailed(ctx, "billing sweep", s.Sweep(ctx))
		}
	}
}

func (s *Service) workFailed(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		s.Log.Error("background work failed", zap.String("work", what), zap.Error(err))
	}
}

// listen reads accounts as soon as something is heard of them, so that nobody waits
// behind abandoned checkouts and slow answers.
func (s *Service) listen(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case customer := <-s.heard:
			due := func(a *storage.Account, now time.Time) bool { return !a.DueAt.IsZero() && !a.DueAt.After(now) }
			if account, err := s.lease(ctx, customer, due); err == nil {
				_ = s.refresh(ctx, account) // logged, and due again
			}
		}
	}
}

// hurry has an account read now. If that can't be, Work finds it.
func (s *Service) hurry(customer storage.CustomerID) {
	select {
	case s.heard <- customer:
	default:
	}
}

// Work takes accounts that are due and brings them up to date, and reports whether
// there may be more.
func (s *Service) Work(ctx context.Context) (more bool, err error) {
	now := storage.Now()
	due, err := roles(s.Store).LeaseAccounts(ctx, storage.NewID(), now, now.Add(leaseTime), readers)
	if err != nil {
		return false, err
	}
	var wg sync.WaitGroup
	for _, account := range due {
		wg.Go(func() { _ = s.refresh(ctx, account) }) // logged, and due again
	}
	wg.Wait()
	return len(due) == readers, nil
}

// look brings one account up to date for somebody who waits, unless that is being
// done or was done just now.
func (s *Service) look(ctx context.Context, customer storage.CustomerID, session string) error {
	if s.Provider == nil {
		return nil
	}
	rested := func(a *storage.Account, now time.Time) bool {
		return !a.LeasedUntil.After(now) && now.Sub(a.ReadAt) >= restTime && (a.Failures == 0 || !a.DueAt.After(now))
	}
	stored, err := roles(s.Store).Account(ctx, customer)
	if err != nil || !rested(&stored, storage.Now()) {
		return err
	}
	account, err := s.lease(ctx, customer, func(a *storage.Account, now time.Time) bool {
		a.Session = session
		return rested(a, now)
	})
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, lookTime)
		defer cancel()
		_ = s.refresh(ctx, account) // the buyer waits on, whatever it was
	}
	if errors.Is(err, errBusy) {
		return nil
	}
	return err
}

// lease takes one account, unless somebody has it or prepare says no. Prepare may
// change the account.
func (s *Service) lease(ctx context.Context, customer storage.CustomerID, prepare func(a *storage.Account, now time.Time) bool) (storage.Account, error) {
	now := storage.Now()
	return roles(s.Store).UpdateAccount(ctx, customer, func(a *storage.Account) error {
		if a.LeasedUntil.After(now) || !prepare(a, now) {
			return errBusy
		}
		a.Lease, a.LeasedUntil = storage.NewID(), now.Add(leaseTime)
		a.Heard++ // somebody has asked for it
		return nil
	})
}

var (
	errBusy = errors.New("somebody is at it")
	errLost = errors.New("the lease was lost")
)

// refresh reads what is true of a leased account and stores what follows.
func (s *Service) refresh(ctx context.Context, account storage.Account) error {
	err := s.try(ctx, account)
	if err == nil || errors.Is(err, errLost) {
		return nil
	}
	s.putOff(ctx, account, err)
	return err
}

func (s *Service) try(ctx context.Context, account storage.Account) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	r, err := decode(account)
	if err != nil {
		return err
	}
	stop := s.keep(ctx, account)
	got, err := s.read(ctx, account, r.Account)
	if stop(); err != nil {
		return err
	}
	got.swept = got.read && account.Heard == r.Seen
	return s.conclude(ctx, account, got)
}

// keep renews a lease until stop is called.
func (s *Service) keep(ctx context.Context, account storage.Account) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(renewal)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			_, err := roles(s.Store).UpdateAccount(ctx, account.CustomerID, func(a *storage.Account) error {
				if a.Lease != account.Lease {
					return errLost
				}
				a.LeasedUntil = storage.Now().Add(leaseTime)
				return nil
			})
			if errors.Is(err, errLost) {
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// read asks the provider. What isn't there changes nothing: no missing customer is
// an end.
func (s *Service) read(ctx context.Context, account storage.Account, a billing.Account) (reading, error) {
	if s.Provider == nil {
		return reading{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	session := account.Session
	if session == "" && (a.Session == billing.SessionOpen || a.Session == billing.SessionUnpaid) {
		newest, err := newestCheckout(ctx, roles(s.Store), account.CustomerID)
		if err == nil {
			session, err = s.recovered(ctx, newest)
		}
		if err != nil && !errors.Is(err, billing.ErrRefused) {
			return reading{}, err
		}
	}
	ref := billing.Ref{Session: session}
	if session == "" {
		ref.Customer = a.ProviderCustomer
	}
	if ref == (billing.Ref{}) {
		return reading{}, nil
	}
	snapshot, err := s.Provider.Read(ctx, ref)
	if errors.Is(err, billing.ErrNotFound) {
		s.Log.Warn("the payment provider doesn't know a customer of ours; nothing is changed because of that",
			zap.String("customer", string(account.CustomerID)))
		return reading{read: true}, nil
	}
	return reading{Snapshot: snapshot, session: session, read: err == nil}, err
}

// putOff gives the lease back and has the account tried again later.
func (s *Service) putOff(ctx context.Context, account storage.Account, cause error) {
	stopped := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	failures := account.Failures + 1
	wait := backoff(failures)
	if away, ok := errors.AsType[*billing.UnavailableError](cause); ok {
		wait = max(wait, away.After)
	}
	switch {
	case stopped: // it was not the provider
		failures, wait = account.Failures, 0
	case errors.Is(cause, errFuse):
		wait = time.Hour
		s.Log.Error("an account was not brought up to date", zap.String("customer", string(account.CustomerID)), zap.Error(cause))
	case failures == 5 || failures > 5 && wait == maxBackoff:
		s.Log.Error("an account can't be brought up to date", zap.String("customer", string(account.CustomerID)),
			zap.Int("attempts", failures), zap.Error(cause))
	default:
		s.Log.Warn("an account was not brought up to date", zap.String("customer", string(account.CustomerID)), zap.Error(cause))
	}
	_, err := roles(s.Store).UpdateAccount(ctx, account.CustomerID, func(a *storage.Account) error {
		if a.Lease != account.Lease {
			return errLost
		}
		a.Lease, a.LeasedUntil, a.Failures = "", time.Time{}, failures
		a.DueAt = storage.Now().Add(wait)
		return nil
	})
	if err != nil && !errors.Is(err, errLost) {
		s.Log.Warn("a lease was not given back", zap.String("customer", string(account.CustomerID)), zap.Error(err))
	}
}

const maxBackoff = time.Hour

// backoff is 5 s, 10 s, 20 s … 1 h.
func backoff(failures int) time.Duration {
	return min(5*time.Second<<min(failures-1, 10), maxBackoff)
}
