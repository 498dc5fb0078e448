package connection

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/storage"
)

// Confirm ends a link: the visitor has seen the account, and wants it. When another
// customer has it, that one loses it if takeover is set; otherwise the error is
// [connect.ErrElsewhere], and the link stays as it is.
func (s *Service) Confirm(ctx context.Context, platform, cookie string, takeover bool) (View, error) {
	customer, id, browser, err := opened(cookie)
	if err != nil {
		return View{}, err
	}
	view, err := s.view(ctx, customer, platform)
	if err != nil {
		return View{}, linkErr(err)
	}
	err = s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		g, err := s.finish(ctx, tx, customer, id, platform, browser)
		if err != nil {
			return err
		}
		view.Account = g.Account
		if err := s.takeOver(ctx, tx, customer, platform, g.Account, takeover); err != nil {
			return err
		}
		return s.connected(ctx, tx, customer, platform, g)
	})
	if err == nil {
		s.Wake()
	}
	return view, err
}

// finish marks a link as done and returns the grant that it got.
func (s *Service) finish(ctx context.Context, tx storage.Store, customer storage.CustomerID, id, platform, browser string) (connect.Grant, error) {
	var sealed []byte
	_, err := s.step(ctx, tx, customer, id, platform, linkAnswered, browser, func(d *storage.Document, data *linkData) error {
		if data.Sealed == nil {
			return ErrLink
		}
		d.Status, sealed, data.Sealed = linkDone, data.Sealed, nil
		return nil
	})
	if err != nil {
		return connect.Grant{}, err
	}
	return s.open(sealed, linkPlace(customer, id, "grant")...)
}

// takeOver takes an account from another customer who has it.
func (s *Service) takeOver(ctx context.Context, tx storage.Store, customer storage.CustomerID, platform string, account connect.Account, wanted bool) error {
	other, err := connectionsOf(tx).ConnectionByAccount(ctx, platform, account.ID)
	switch {
	case errors.Is(err, storage.ErrNotFound) || err == nil && other.CustomerID == customer:
		return nil
	case err != nil:
		return err
	case !wanted:
		return connect.ErrElsewhere
	}
	// Their grant isn't revoked: platforms may take the new one of the account with it.
	_, err = connectionsOf(tx).UpdateConnection(ctx, other.CustomerID, platform, func(c *storage.Connection) error {
		rec, err := recordOf(*c)
		if err != nil {
			return err
		}
		c.Account = ""
		s.lose(c, rec, "somebody who can open the account linked it elsewhere")
		return nil
	})
	if err != nil {
		return err
	}
	return s.tell(ctx, tx, other.CustomerID, "connection.taken_over", platform, nil, true)
}

// connected stores a new grant.
func (s *Service) connected(ctx context.Context, tx storage.Store, customer storage.CustomerID, platform string, g connect.Grant) error {
	now := s.now()
	fresh := record{At: now}
	role := connectionsOf(tx)
	_, err := role.UpdateConnection(ctx, customer, platform, func(c *storage.Connection) error {
		if before, err := s.open(c.Sealed, place(customer, platform)...); err == nil && before.Account.ID != g.Account.ID {
			// That of the same account isn't revoked: platforms may take the new one with it.
			if err := s.revokeLater(ctx, tx, *c); err != nil {
				return err
			}
		}
		return s.put(c, fresh, g)
	})
	if errors.Is(err, storage.ErrNotFound) {
		c := storage.Connection{CustomerID: customer, Platform: platform, CreatedAt: now}
		if err = s.put(&c, fresh, g); err == nil {
			err = role.CreateConnection(ctx, c)
		}
	}
	if err != nil {
		return err
	}
	if err := s.keep(ctx, tx, customer, platform, g); err != nil {
		return err
	}
	return s.tell(ctx, tx, customer, "connection.connected", platform, map[string]any{"account": g.Account.Name}, false)
}

// Refuse ends a link: the visitor doesn't want the account. What was granted is revoked.
func (s *Service) Refuse(ctx context.Context, platform, cookie string) error {
	customer, id, browser, err := opened(cookie)
	if err != nil {
		return err
	}
	connector, err := s.connector(platform)
	if err != nil {
		return ErrLink
	}
	g, err := s.finish(ctx, s.Store, customer, id, platform, browser)
	if err != nil {
		return err
	}
	s.discard(ctx, connector, customer, platform, g)
	return nil
}

// discard revokes what was granted and nobody confirmed, unless the account is linked:
// platforms may take that grant with it.
func (s *Service) discard(ctx context.Context, connector connect.Connector, customer storage.CustomerID, platform string, g connect.Grant) {
	if _, err := connectionsOf(s.Store).ConnectionByAccount(ctx, platform, g.Account.ID); errors.Is(err, storage.ErrNotFound) {
		s.warn(ctx, "a grant that nobody will use can't be revoked", customer, platform, connector.Revoke(context.WithoutCancel(ctx), g))
	}
}

// Disconnect forgets an account and has its grant revoked at the platform, as often as it
// takes. It returns [storage.ErrNotFound] when there is none.
func (s *Service) Disconnect(ctx context.Context, customer storage.CustomerID, platform string) error {
	err := s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		c, err := connectionsOf(tx).Connection(ctx, customer, platform)
		if err != nil {
			return err
		}
		if err := s.revokeLater(ctx, tx, c); err != nil {
			return err
		}
		if err := connectionsOf(tx).DeleteConnection(ctx, customer, platform); err != nil {
			return err
		}
		return s.tell(ctx, tx, customer, "connection.disconnected", platform, nil, false)
	})
	if err == nil {
		s.Wake()
	}
	return err
}

// warn logs what went wrong and nobody is told of.
func (s *Service) warn(ctx context.Context, what string, customer storage.CustomerID, platform string, err error) {
	if err != nil && ctx.Err() == nil {
		s.Log.Warn(what, zap.String("customer", string(customer)), zap.String("platform", platform), zap.Error(err))
	}
}
