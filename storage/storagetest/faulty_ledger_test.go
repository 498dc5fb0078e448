package storagetest_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// ignoresHeld looks at what is used only.
type ignoresHeld struct{ billing }

func (s ignoresHeld) Reserve(ctx context.Context, r storage.Reservation, limit int64) (storage.Balance, error) {
	b, err := s.Balance(ctx, r.CustomerID, r.Metric, r.Period)
	if err != nil || limit < 0 {
		return s.billing.Reserve(ctx, r, limit)
	}
	return s.billing.Reserve(ctx, r, limit+b.Held)
}

// reservesApart looks at the balance first and reserves then.
type reservesApart struct{ billing }

func (s reservesApart) Reserve(ctx context.Context, r storage.Reservation, limit int64) (storage.Balance, error) {
	b, err := s.Balance(ctx, r.CustomerID, r.Metric, r.Period)
	if err == nil && limit >= 0 && r.Units > limit-b.Used-b.Held {
		return b, storage.ErrConflict
	}
	time.Sleep(moment)
	return s.billing.Reserve(ctx, r, -1)
}

// keepsRefused stores the reservation that is too much.
type keepsRefused struct{ billing }

func (s keepsRefused) Reserve(ctx context.Context, r storage.Reservation, limit int64) (storage.Balance, error) {
	b, err := s.billing.Reserve(ctx, r, limit)
	if errors.Is(err, storage.ErrConflict) {
		if _, err := s.billing.Reserve(ctx, r, -1); err == nil {
			_ = s.Settle(ctx, []storage.Use{{CustomerID: r.CustomerID, ID: r.ID, Done: true}})
		}
	}
	return b, err
}

type emptyBalance struct{ billing }

func (s emptyBalance) Reserve(ctx context.Context, r storage.Reservation, limit int64) (storage.Balance, error) {
	b, err := s.billing.Reserve(ctx, r, limit)
	if err != nil {
		b = storage.Balance{}
	}
	return b, err
}

// adding adds what was used to what was used so far.
type adding struct{ billing }

var soFar sync.Map // by customer and ID

func (s adding) Settle(ctx context.Context, uses []storage.Use) error {
	uses = slices.Clone(uses)
	for i, u := range uses {
		before, _ := soFar.LoadOrStore([2]string{string(u.CustomerID), u.ID}, int64(0))
		uses[i].Used += before.(int64)
		soFar.Store([2]string{string(u.CustomerID), u.ID}, uses[i].Used)
	}
	return s.billing.Settle(ctx, uses)
}

type neverDone struct{ billing }

func (s neverDone) Settle(ctx context.Context, uses []storage.Use) error {
	uses = slices.Clone(uses)
	for i := range uses {
		uses[i].Done = false
	}
	return s.billing.Settle(ctx, uses)
}

type oneByOne struct{ billing }

func (s oneByOne) Settle(ctx context.Context, uses []storage.Use) error {
	for _, u := range uses {
		if err := s.billing.Settle(ctx, []storage.Use{u}); err != nil {
			return err
		}
	}
	return nil
}

type settlesThousand struct{ billing }

func (s settlesThousand) Settle(ctx context.Context, uses []storage.Use) error {
	return s.billing.Settle(ctx, uses[:min(len(uses), 1000)])
}

// refusesLate settles nothing of what was given back.
type refusesLate struct{ billing }

var givenBack sync.Map // by customer and ID

func (s refusesLate) Settle(ctx context.Context, uses []storage.Use) error {
	uses = slices.DeleteFunc(slices.Clone(uses), func(u storage.Use) bool {
		_, done := givenBack.Load([2]string{string(u.CustomerID), u.ID})
		return done
	})
	for _, u := range uses {
		if u.Done {
			givenBack.Store([2]string{string(u.CustomerID), u.ID}, true)
		}
	}
	return s.billing.Settle(ctx, uses)
}

type expiresAtOnce struct{ billing }

func (s expiresAtOnce) SettleExpired(ctx context.Context, t time.Time) (int, error) {
	return s.billing.SettleExpired(ctx, t.Add(time.Microsecond))
}

type neverExtends struct{ billing }

func (s neverExtends) Settle(ctx context.Context, uses []storage.Use) error {
	uses = slices.Clone(uses)
	for i := range uses {
		uses[i].Until = time.Time{}
	}
	return s.billing.Settle(ctx, uses)
}

// localDays counts by the day where the reservation was made.
type localDays struct{ billing }

func (s localDays) Reserve(ctx context.Context, r storage.Reservation, limit int64) (storage.Balance, error) {
	_, offset := r.CreatedAt.Zone()
	r.CreatedAt = r.CreatedAt.Add(time.Duration(offset) * time.Second)
	return s.billing.Reserve(ctx, r, limit)
}

type reportsAll struct{ billing }

func (s reportsAll) MarkReported(ctx context.Context, c storage.Count, to int64) error {
	err := s.billing.MarkReported(ctx, c, to)
	for reported := range int64(100) {
		if !errors.Is(err, storage.ErrConflict) {
			break
		}
		c.Reported = reported
		err = s.billing.MarkReported(ctx, c, to)
	}
	return err
}

type allMetrics struct{ billing }

func (s allMetrics) Unreported(ctx context.Context, metrics []string, limit int) ([]storage.Count, error) {
	return s.billing.Unreported(ctx, append(slices.Clone(metrics), "calls"), limit)
}

// deletesHeld forgets the open reservations of old periods.
type deletesHeld struct{ billing }

func (s deletesHeld) DeleteUsage(ctx context.Context, t time.Time) (int, error) {
	expired, err := s.SettleExpired(ctx, t.AddDate(100, 0, 0))
	n, err2 := s.billing.DeleteUsage(ctx, t)
	return n + expired, errors.Join(err, err2)
}
