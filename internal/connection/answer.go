package connection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/internal/plain"
	"github.com/heycmo/heycmo-go/storage"
)

// opened splits what the browser kept.
func opened(cookie string) (customer storage.CustomerID, id, browser string, err error) {
	at := strings.LastIndex(cookie, ".")
	if at < 0 {
		return "", "", "", ErrLink
	}
	customer, id, err = ticket(cookie[:at])
	return customer, id, cookie[at+1:], err
}

// Answer takes what the platform sent with the visitor back, and returns whose account it
// is, for the visitor to confirm. Its errors are [ErrLink] when the answer is not to what
// this browser began, and those of [connect.Connector].Finish. Whatever happens, the
// answer is used up.
func (s *Service) Answer(ctx context.Context, platform, cookie string, answer url.Values) (View, error) {
	customer, id, browser, err := opened(cookie)
	if err != nil {
		return View{}, err
	}
	connector, err := s.connector(platform)
	if err != nil {
		return View{}, ErrLink
	}
	view, err := s.view(ctx, customer, platform)
	if err != nil {
		return View{}, linkErr(err)
	}
	var sealed []byte
	data, err := s.step(ctx, s.Store, customer, id, platform, linkProven, browser, func(d *storage.Document, data *linkData) error {
		if !same(answer.Get("state"), data.State) || data.Sealed == nil {
			return ErrLink
		}
		d.Status, sealed = linkAnswered, data.Sealed
		data.State, data.Sealed, data.Expires = "", nil, s.now().Add(confirmLife)
		return nil
	})
	if err != nil {
		return View{}, err
	}
	text, err := s.Ring.Open(sealed, linkPlace(customer, id, "start")...)
	if err != nil {
		return View{}, err
	}
	var begun underway
	if err := json.Unmarshal(text, &begun); err != nil {
		return View{}, fmt.Errorf("connection: link: %w", err)
	}
	g, err := connector.Finish(ctx, connect.Start{
		Customer: customer, RedirectURI: data.Redirect, State: answer.Get("state"), Verifier: begun.Verifier,
	}, begun.Memo, answer)
	if err != nil {
		return View{}, err
	}
	// It is shown, and written by whoever has the account.
	if g.Account.Name = plain.Cut(plain.Line(g.Account.Name), maxAccount); g.Account.Name == "" {
		g.Account.Name = "an account without a name"
	}
	_, err = s.step(context.WithoutCancel(ctx), s.Store, customer, id, platform, linkAnswered, browser, func(_ *storage.Document, data *linkData) error {
		data.Sealed = s.seal(g, linkPlace(customer, id, "grant")...)
		return nil
	})
	if err != nil {
		s.warn(ctx, "a grant that nobody will use can't be revoked", customer, platform, connector.Revoke(context.WithoutCancel(ctx), g))
		return View{}, err
	}
	view.Account = g.Account
	other, err := connectionsOf(s.Store).ConnectionByAccount(ctx, platform, g.Account.ID)
	view.Elsewhere = err == nil && other.CustomerID != customer
	if errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	return view, err
}

// pending returns the platforms to which a visitor is on the way.
func (s *Service) pending(ctx context.Context, customer storage.CustomerID) (map[string]bool, error) {
	on := map[string]bool{}
	for _, state := range []string{linkProven, linkAnswered} {
		list, err := s.Store.Documents(ctx, customer, storage.DocumentQuery{Kind: linkKind, Status: state, Page: storage.Page{Limit: storage.MaxLimit}})
		if err != nil {
			return nil, err
		}
		for _, d := range list {
			data, err := linkOf(d)
			if err != nil {
				return nil, err
			}
			if s.now().Before(data.Expires) {
				on[data.Platform] = true
			}
		}
	}
	return on, nil
}
