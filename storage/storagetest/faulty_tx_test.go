package storagetest_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// moment is how long some faults wait, so that others are sure to get between.
const moment = 5 * time.Millisecond

type noTx struct{ storage.Store }

func (s noTx) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	return fn(ctx, s)
}

func (s noTx) CreateKey(ctx context.Context, k storage.Key) error {
	time.Sleep(moment)
	return s.Store.CreateKey(ctx, k)
}

type neverCommits struct{ storage.Store }

func (s neverCommits) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	var failed error
	_ = s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		failed = fn(ctx, tx)
		return errors.New("no")
	})
	return failed
}

// oneAtATime fails, as SQLite does without a busy timeout.
type oneAtATime struct {
	storage.Store
	mu sync.Mutex
}

func (s *oneAtATime) alone(do func() error) error {
	if !s.mu.TryLock() {
		return errors.New("database is locked")
	}
	defer s.mu.Unlock()
	time.Sleep(moment)
	return do()
}

func (s *oneAtATime) AppendEvent(ctx context.Context, e storage.Event) error {
	return s.alone(func() error { return s.Store.AppendEvent(ctx, e) })
}

func (s *oneAtATime) TouchKeys(ctx context.Context, used map[storage.KeyID]time.Time) error {
	return s.alone(func() error { return s.Store.TouchKeys(ctx, used) })
}

type ownError struct{ storage.Store }

func (s ownError) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	if s.Store.InTx(ctx, fn) != nil {
		return errors.New("the transaction was rolled back")
	}
	return nil
}

type commitsPanic struct{ storage.Store }

func (s commitsPanic) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	var v any
	err := s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		defer func() { v = recover() }()
		return fn(ctx, tx)
	})
	if v != nil {
		panic(v)
	}
	return err
}

// poisoned refuses everything after a refusal, as PostgreSQL does in a
// transaction after an error.
type poisoned struct {
	storage.Store
	refused bool
}

func (s *poisoned) CreateKey(ctx context.Context, k storage.Key) error {
	err := s.Store.CreateKey(ctx, k)
	s.refused = s.refused || err != nil
	return err
}

func (s *poisoned) AppendEvent(ctx context.Context, e storage.Event) error {
	if s.refused {
		return errors.New("current transaction is aborted")
	}
	return s.Store.AppendEvent(ctx, e)
}

// commitsEarly has transactions at the second level only.
type commitsEarly struct{ storage.Store }

func (s commitsEarly) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	return fn(ctx, s.Store)
}

// flat has no savepoints.
type flat struct {
	storage.Store
	inside bool
}

func (s *flat) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	if s.inside {
		return fn(ctx, s)
	}
	return s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		tx.(*flat).inside = true
		return fn(ctx, tx)
	})
}

type losesUpdates struct{ storage.Store }

func (s losesUpdates) UpdateCustomer(ctx context.Context, id storage.CustomerID, change func(*storage.Customer) error) (storage.Customer, error) {
	c, err := s.Customer(ctx, id)
	if err != nil {
		return c, err
	}
	if err := change(&c); err != nil {
		return c, err
	}
	time.Sleep(moment)
	return s.Store.UpdateCustomer(ctx, id, func(stored *storage.Customer) error { *stored = c; return nil })
}
