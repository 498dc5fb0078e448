package subscription

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/storage"
)

// ErrForged says that a delivery isn't signed by the provider, or is no event. One
// text for all causes.
var ErrForged = httpx.Status(http.StatusBadRequest, "the delivery must be an event with a valid, recent signature of the payment provider")

// Receive takes a delivery. It is nil for everything that need not be sent again;
// ErrForged; or an error of the store, after which it should be sent again.
func (s *Service) Receive(ctx context.Context, d billing.Delivery) error {
	n, err := s.Provider.Verify(d)
	if err != nil {
		return ErrForged
	}
	known, err := s.accept(ctx, n, d.At)
	if err != nil {
		return httpx.Unavailable(err)
	}
	if n.Kind == billing.KindDispute && known != duplicate {
		s.Log.Error("a payment is disputed or suspicious; see the provider's pages", zap.String("event", n.ID), zap.String("type", n.Type))
	}
	return nil
}

// outcome is what came of a notice.
type outcome int

const (
	duplicate outcome = iota
	orphan            // about nobody that is known
	marked
)

// accept stores a notice and marks the account that it is about, or does neither.
// Nothing is lost of an orphan: whoever it is about is read when they are known.
func (s *Service) accept(ctx context.Context, n billing.Notice, at time.Time) (result outcome, err error) {
	if at.IsZero() {
		at = storage.Now()
	}
	var customer storage.CustomerID
	err = s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) (err error) {
		b := roles(tx)
		if customer, err = s.about(ctx, b, n); err != nil {
			return err
		}
		err = b.CreateNotice(ctx, storage.Notice{
			Provider: s.Provider.Name(), ID: n.ID, Type: n.Type, Customer: customer, CreatedAt: n.Created, ReceivedAt: at,
		})
		if errors.Is(err, storage.ErrExists) {
			result = duplicate
			return nil
		}
		if err != nil || customer == "" {
			result = orphan
			return err
		}
		result = marked
		_, err = b.UpdateAccount(ctx, customer, func(a *storage.Account) error {
			a.Heard++
			a.DueAt = storage.Now()
			if n.Ref.Session != "" {
				a.Session = n.Ref.Session
			}
			return nil
		})
		return err
	})
	if err == nil && result == marked {
		s.hurry(customer)
	}
	return result, err
}

// about returns whom a notice is about: by IDs that we know already, never by what
// it says of e-mail addresses or the like. Nobody is no error.
func (s *Service) about(ctx context.Context, b storage.Billing, n billing.Notice) (storage.CustomerID, error) {
	if n.Kind == billing.KindIgnored {
		return "", nil
	}
	if n.Ref.Session != "" {
		c, err := b.CheckoutBySession(ctx, sessionHash(n.Ref.Session))
		if err == nil || !errors.Is(err, storage.ErrNotFound) {
			return c.CustomerID, err
		}
	}
	var names []string
	for _, id := range []string{n.Ref.Subscription, n.Ref.Customer} {
		if id != "" {
			names = append(names, s.Provider.Name()+":"+id)
		}
	}
	customer, err := b.AccountByName(ctx, names...)
	if errors.Is(err, storage.ErrNotFound) {
		return "", nil
	}
	return customer, err
}

const (
	catchUpInterval = 15 * time.Minute
	catchUpOverlap  = 10 * time.Minute
	catchUpMax      = 30 * 24 * time.Hour // what Stripe keeps
)

// catchUp asks the provider, at the start and now and then, what was not delivered.
func (s *Service) catchUp(ctx context.Context) {
	ticker := time.NewTicker(catchUpInterval)
	defer ticker.Stop()
	for s.catcher != nil {
		if err := s.CatchUp(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("the payment provider didn't tell what was missed", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// CatchUp takes what the provider should have delivered since the last delivery.
func (s *Service) CatchUp(ctx context.Context) error {
	if s.catcher == nil {
		return nil
	}
	since := time.Now().Add(-24 * time.Hour) // nothing was ever delivered
	last, err := roles(s.Store).LastNotice(ctx, s.Provider.Name())
	switch {
	case err == nil:
		since = last.CreatedAt.Add(-catchUpOverlap)
	case !errors.Is(err, storage.ErrNotFound):
		return err
	}
	if oldest := time.Now().Add(-catchUpMax); since.Before(oldest) {
		since = oldest
	}
	for n, err := range s.catcher.Missed(ctx, since) {
		if err != nil {
			return err
		}
		if _, err := s.accept(ctx, n, storage.Now()); err != nil {
			return err
		}
	}
	return nil
}

// Sweep removes what nobody needs any more: deliveries after 90 days, and customers
// who began a checkout and never paid after 60.
func (s *Service) Sweep(ctx context.Context) error {
	now := storage.Now()
	_, err := roles(s.Store).DeleteNotices(ctx, now.AddDate(0, 0, -90))
	_, err2 := roles(s.Store).DeletePending(ctx, now.AddDate(0, 0, -60))
	return errors.Join(err, err2)
}
