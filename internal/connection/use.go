package connection

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/storage"
)

const (
	early        = time.Minute      // a grant is renewed so long before its end
	leaseLife    = 75 * time.Second // longer than a renewal takes
	refreshTime  = 60 * time.Second
	storeRetries = 5
)

// Do calls a platform with the customer's account. Errors are those of [connect.Do].
func (s *Service) Do(ctx context.Context, customer storage.CustomerID, platform string, r connect.Request) (connect.Response, error) {
	p, ok := s.platforms[platform]
	if !ok || p.Connector == nil {
		return connect.Response{}, connect.ErrNotConnected
	}
	g, err := s.grant(ctx, customer, platform)
	if err != nil {
		return connect.Response{}, err
	}
	if !g.Expires.IsZero() && s.now().Add(early).After(g.Expires) {
		fresh, err := s.renewed(ctx, customer, platform, g)
		switch {
		case err == nil:
			g = fresh
		case s.now().Before(g.Expires): // it is good for a moment
		default:
			return connect.Response{}, err
		}
	}
	resp, err := p.Connector.Do(ctx, g, r)
	if !errors.Is(err, connect.ErrRejected) {
		return resp, err
	}
	// The platform did nothing, so that the call can be made again.
	fresh, err := s.renewed(ctx, customer, platform, g)
	if err == nil {
		g = fresh
		resp, err = p.Connector.Do(ctx, g, r)
	}
	if errors.Is(err, connect.ErrRejected) || errors.Is(err, connect.ErrRevoked) {
		err = s.lost(ctx, customer, platform, g, "the platform does not take the permission any more")
	}
	return resp, err
}

// grant returns the customer's grant as it is stored.
func (s *Service) grant(ctx context.Context, customer storage.CustomerID, platform string) (connect.Grant, error) {
	c, err := connectionsOf(s.Store).Connection(ctx, customer, platform)
	if errors.Is(err, storage.ErrNotFound) {
		return connect.Grant{}, connect.ErrNotConnected
	}
	if err != nil {
		return connect.Grant{}, err
	}
	if c.Status != StatusConnected {
		return connect.Grant{}, connect.ErrRevoked
	}
	return s.open(c.Sealed, place(customer, platform)...)
}

// renewed returns a grant in place of an old one. Of all who ask at once, in this process
// and in others, one asks the platform: where a refresh token is good once, a second
// question would lose the account. It doesn't end with whoever asked first.
func (s *Service) renewed(ctx context.Context, customer storage.CustomerID, platform string, old connect.Grant) (connect.Grant, error) {
	result := s.refreshes.DoChan(string(customer)+"/"+platform, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTime)
		defer cancel()
		return s.renew(ctx, customer, platform, old)
	})
	select {
	case r := <-result:
		g, _ := r.Val.(connect.Grant)
		return g, r.Err
	case <-ctx.Done():
		return connect.Grant{}, ctx.Err()
	}
}

// renew takes the lease on a row, or waits for whoever has it.
func (s *Service) renew(ctx context.Context, customer storage.CustomerID, platform string, old connect.Grant) (connect.Grant, error) {
	me := storage.NewID()
	for {
		var current connect.Grant
		var sealed []byte
		mine := false
		_, err := connectionsOf(s.Store).UpdateConnection(ctx, customer, platform, func(c *storage.Connection) error {
			rec, err := recordOf(*c)
			if err != nil {
				return err
			}
			if c.Status != StatusConnected {
				return connect.ErrRevoked
			}
			if current, err = s.open(c.Sealed, place(customer, platform)...); err != nil {
				return err
			}
			if mine = current.Access == old.Access && !s.now().Before(rec.Lease.Until); mine {
				sealed, rec.Lease = c.Sealed, lease{me, s.now().Add(leaseLife)}
				c.Data = encode(rec)
			}
			return nil
		})
		switch {
		case errors.Is(err, storage.ErrNotFound):
			return connect.Grant{}, connect.ErrNotConnected
		case err != nil:
			return connect.Grant{}, err
		case current.Access != old.Access:
			return current, nil
		case mine:
			return s.refresh(ctx, customer, platform, current, sealed, me)
		}
		// Another process renews it. There is no way to be told when it is done.
		pause := time.NewTimer(s.poll)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return connect.Grant{}, fmt.Errorf("%w: a renewal takes too long", connect.ErrUnavailable)
		}
	}
}

// refresh asks the platform for another grant and stores it, having the lease.
func (s *Service) refresh(ctx context.Context, customer storage.CustomerID, platform string, old connect.Grant, sealed []byte, me string) (connect.Grant, error) {
	fresh, err := s.platforms[platform].Connector.Refresh(ctx, old)
	if errors.Is(err, connect.ErrRevoked) && (old.Expires.IsZero() || !s.now().Before(old.Expires) || old.Refresh != "") {
		return connect.Grant{}, s.lost(ctx, customer, platform, old, "the permission has ended or was taken back")
	}
	if err != nil {
		s.warn(ctx, "a lease can't be given back", customer, platform, s.giveBack(ctx, customer, platform, me))
		return connect.Grant{}, err
	}
	// The old token may be worth nothing now, so the new one must not be lost.
	for try := 1; ; try++ {
		_, err = connectionsOf(s.Store).UpdateConnection(ctx, customer, platform, func(c *storage.Connection) error {
			if !bytes.Equal(c.Sealed, sealed) {
				return connect.ErrRevoked // it was linked anew, or taken, meanwhile
			}
			rec, err := recordOf(*c)
			if err != nil {
				return err
			}
			rec.Lease = lease{}
			return s.put(c, rec, fresh)
		})
		if err == nil || try == storeRetries || errors.Is(err, connect.ErrRevoked) || errors.Is(err, storage.ErrNotFound) || ctx.Err() != nil {
			return fresh, err
		}
		pause := time.NewTimer(time.Duration(try) * s.poll)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

func (s *Service) giveBack(ctx context.Context, customer storage.CustomerID, platform, me string) error {
	_, err := connectionsOf(s.Store).UpdateConnection(ctx, customer, platform, func(c *storage.Connection) error {
		rec, err := recordOf(*c)
		if err != nil || rec.Lease.By != me {
			return err
		}
		rec.Lease = lease{}
		c.Data = encode(rec)
		return nil
	})
	return err
}

// lost marks a connection whose grant is no longer good, with an event and a reminder,
// unless it has another grant meanwhile. It returns [connect.ErrRevoked].
func (s *Service) lost(ctx context.Context, customer storage.CustomerID, platform string, g connect.Grant, why string) error {
	err := s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		lost := false
		_, err := connectionsOf(tx).UpdateConnection(ctx, customer, platform, func(c *storage.Connection) error {
			rec, err := recordOf(*c)
			if err != nil || c.Status != StatusConnected {
				return err
			}
			current, err := s.open(c.Sealed, place(customer, platform)...)
			if lost = err == nil && current.Access == g.Access; lost {
				s.lose(c, rec, why)
			}
			return err
		})
		if err != nil || !lost {
			return err
		}
		if err := s.tell(ctx, tx, customer, "connection.needs_reconnect", platform, map[string]any{"error": why}, true); err != nil {
			return err
		}
		return s.remindLater(ctx, tx, customer, platform)
	})
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	s.Wake()
	return connect.ErrRevoked
}
