package connection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/internal/outbox"
	"github.com/heycmo/heycmo-go/storage"
)

// The kinds of the effects that a Service has the outbox do.
const (
	KindRevoke = "connection.revoke" // at the platform
	KindSweep  = "connection.sweep"  // of a link that is over
	KindKeep   = "connection.keep"   // renew a grant that ends in some days, or say that it does
	KindRemind = "connection.remind" // of an account that must be linked anew
)

// Handlers are those of the effects.
func (s *Service) Handlers() map[string]outbox.Handler {
	return map[string]outbox.Handler{KindRevoke: s.doRevoke, KindSweep: s.doSweep, KindKeep: s.doKeep, KindRemind: s.doRemind}
}

// about is the data of effects about a connection.
type about struct {
	Platform string `json:"platform"`
	Account  string `json:"account,omitempty"`
	// Sealed is the grant to revoke.
	Sealed []byte `json:"sealed,omitempty"`
}

func decode[T any](e storage.Effect) (v T, err error) {
	if err = json.Unmarshal(e.Data, &v); err != nil {
		err = fmt.Errorf("%w: %w", outbox.ErrNever, err)
	}
	return v, err
}

// revokeLater has the grant of a row revoked.
func (s *Service) revokeLater(ctx context.Context, tx storage.Store, c storage.Connection) error {
	if len(c.Sealed) == 0 {
		return nil
	}
	return s.later(ctx, tx, c.CustomerID, KindRevoke+":"+storage.NewID(), KindRevoke, about{c.Platform, c.Account, c.Sealed}, s.now())
}

func (s *Service) doRevoke(ctx context.Context, e storage.Effect) error {
	a, err := decode[about](e)
	if err != nil {
		return err
	}
	connector, err := s.connector(a.Platform)
	if err != nil {
		return fmt.Errorf("%w: %w", outbox.ErrNever, err)
	}
	// Who has the account now would lose it too.
	if _, err := connectionsOf(s.Store).ConnectionByAccount(ctx, a.Platform, a.Account); !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	g, err := s.open(a.Sealed, place(e.Customer, a.Platform)...)
	if err != nil {
		return fmt.Errorf("%w: %w", outbox.ErrNever, err)
	}
	err = connector.Revoke(ctx, g)
	if _, refused := errors.AsType[*connect.RefusedError](err); refused || errors.Is(err, connect.ErrRejected) {
		return nil // it is no longer good
	}
	return err
}

type sweep struct {
	Link string `json:"link"`
}

// doSweep forgets a link, and revokes what was granted by it and not confirmed.
func (s *Service) doSweep(ctx context.Context, e storage.Effect) error {
	w, err := decode[sweep](e)
	if err != nil {
		return err
	}
	d, data, err := s.link(ctx, s.Store, e.Customer, w.Link)
	if errors.Is(err, ErrLink) {
		return nil
	}
	if err != nil {
		return err
	}
	if d.Status == linkAnswered && data.Sealed != nil {
		g, err := s.open(data.Sealed, linkPlace(e.Customer, d.ID, "grant")...)
		if connector, missing := s.connector(data.Platform); err == nil && missing == nil {
			s.discard(ctx, connector, e.Customer, data.Platform, g)
		}
	}
	err = s.Store.DeleteDocument(ctx, e.Customer, linkKind, d.ID)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}

// ahead is how long before its end a grant of some weeks is renewed, or its customer told.
const ahead = 7 * 24 * time.Hour

// keep has a grant looked after that lasts for weeks: nobody may use it until it ends.
func (s *Service) keep(ctx context.Context, tx storage.Store, customer storage.CustomerID, platform string, g connect.Grant) error {
	due := g.Expires.Add(-ahead)
	if g.Expires.IsZero() || due.Before(s.now().Add(24*time.Hour)) {
		return nil
	}
	return s.later(ctx, tx, customer, fmt.Sprintf("%s:%s:%s:%d", KindKeep, customer, platform, due.Unix()), KindKeep, about{Platform: platform}, due)
}

func (s *Service) doKeep(ctx context.Context, e storage.Effect) error {
	a, err := decode[about](e)
	if err != nil {
		return err
	}
	g, err := s.grant(ctx, e.Customer, a.Platform)
	if errors.Is(err, connect.ErrNotConnected) || errors.Is(err, connect.ErrRevoked) || err == nil && g.Expires.After(s.now().Add(ahead+time.Hour)) {
		return nil // it is gone, or has another grant
	}
	if err != nil {
		return err
	}
	fresh, err := s.renewed(ctx, e.Customer, a.Platform, g)
	return s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		switch {
		case err == nil:
			return ignoreExists(s.keep(ctx, tx, e.Customer, a.Platform, fresh))
		case errors.Is(err, connect.ErrRevoked):
			return s.tell(ctx, tx, e.Customer, "connection.expiring", a.Platform, map[string]any{"expiresAt": storage.FormatTime(g.Expires)}, true)
		}
		return err
	})
}

func ignoreExists(err error) error {
	if errors.Is(err, storage.ErrExists) {
		return nil
	}
	return err
}

const remindAfter = 3 * 24 * time.Hour

func (s *Service) remindLater(ctx context.Context, tx storage.Store, customer storage.CustomerID, platform string) error {
	due := s.now().Add(remindAfter)
	return ignoreExists(s.later(ctx, tx, customer, fmt.Sprintf("%s:%s:%s:%d", KindRemind, customer, platform, due.Unix()), KindRemind, about{Platform: platform}, due))
}

func (s *Service) doRemind(ctx context.Context, e storage.Effect) error {
	a, err := decode[about](e)
	if err != nil {
		return err
	}
	c, err := connectionsOf(s.Store).Connection(ctx, e.Customer, a.Platform)
	if errors.Is(err, storage.ErrNotFound) || err == nil && c.Status != StatusNeedsReconnect {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		return s.tell(ctx, tx, e.Customer, "connection.reminded", a.Platform, nil, true)
	})
}
