package marketing

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

const (
	suppressionKind = "suppression"
	unsubscribeKind = "unsubscribe"
	unsubscribeLink = "unsubscribe"
)

// addressID is what an e-mail address is found by: the same for every way to write it.
func addressID(address string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(address))))
	return hex.EncodeToString(sum[:16])
}

// suppression is the data of an address that gets no mails.
type suppression struct {
	Email  string `json:"email" jsonschema:"the address"`
	Reason string `json:"reason" jsonschema:"unsubscribed, or what was said when it was added"`
	At     string `json:"at" jsonschema:"since when, in UTC"`
}

// suppressed reports whether an address gets no mails.
func (t *team) suppressed(ctx context.Context, customer storage.CustomerID, address string) (bool, error) {
	_, err := t.store.Document(ctx, customer, suppressionKind, addressID(address))
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// suppress puts an address on the list of those that get no mails, for good.
func (t *team) suppress(ctx context.Context, customer storage.CustomerID, address, reason string) (suppression, error) {
	now := t.now()
	s := suppression{address, reason, storage.FormatTime(now)}
	return s, t.keep(ctx, customer, suppressionKind, addressID(address), "", now, s, "address.suppressed", map[string]any{"reason": reason})
}

type suppressIn struct {
	Email  string `json:"email" jsonschema:"the address"`
	Reason string `json:"reason,omitempty" jsonschema:"why, such as: asked for it by phone"`
}

type listSuppressedOut struct {
	Addresses  []suppression `json:"addresses" jsonschema:"those that get no mails"`
	NextCursor string        `json:"nextCursor,omitempty" jsonschema:"the cursor of the next page; not there on the last one"`
}

func (t *team) suppressionTools() []*agent.Tool {
	return []*agent.Tool{
		agent.NewTool("suppress_address", "Puts an e-mail address on the list of those that get no more mails, for good: somebody who asked for it, or whose address doesn't exist.",
			func(ctx context.Context, customer storage.CustomerID, in suppressIn) (suppression, error) {
				if err := checkAddress("email", in.Email); err != nil {
					return suppression{}, err
				}
				if err := checkLine("reason", in.Reason); err != nil {
					return suppression{}, err
				}
				return t.suppress(ctx, customer, in.Email, orElse(in.Reason, "added by the customer"))
			},
			&agent.ToolOptions{Title: "Suppress address", Idempotent: true, Input: func(s *jsonschema.Schema) {
				boundText(s, "email", 3, 254)
				boundText(s, "reason", 1, 200)
			}}),
		agent.NewTool("list_suppressed", "The e-mail addresses that get no mails: people who ended them, and those whom suppress_address added.",
			func(ctx context.Context, customer storage.CustomerID, in paging) (listSuppressedOut, error) {
				list, next, err := storage.List(in.Limit, in.Cursor,
					func(s suppression) string { return addressID(s.Email) },
					func(page storage.Page) ([]suppression, error) {
						return pageOf[suppression](ctx, t.store, customer, storage.DocumentQuery{Kind: suppressionKind, Page: page})
					})
				return listSuppressedOut{append([]suppression{}, list...), next}, err
			},
			&agent.ToolOptions{Title: "List suppressed addresses", ReadOnly: true, Idempotent: true, Input: boundPaging}),
	}
}

// checkAddress refuses what is not one plain e-mail address.
func checkAddress(field, address string) error {
	if a, err := mail.ParseAddress(address); err != nil || a.Name != "" || a.Address != address {
		return storage.Invalid(field, "one e-mail address such as ada@example.com")
	}
	return nil
}

// unsubscribing is the data of a token with which somebody ends the mails to them.
type unsubscribing struct {
	Email string `json:"email"`
}

// newUnsubscribe returns the address at which a recipient ends the mails to them.
func (t *team) newUnsubscribe(ctx context.Context, customer storage.CustomerID, email string) (string, error) {
	token, now := rand.Text(), t.now()
	address, err := agent.LinkTo(ctx, unsubscribeLink, token)
	if err != nil {
		return "", err
	}
	data, err := encode(unsubscribing{email})
	if err != nil {
		return "", err
	}
	return address, t.store.CreateDocument(ctx, storage.Document{CustomerID: customer, Kind: unsubscribeKind, ID: token, Data: data, CreatedAt: now, UpdatedAt: now})
}

func (t *team) unsubscribePage() agent.Link {
	find := func(ctx context.Context, customer storage.CustomerID, token string) (unsubscribing, error) {
		d, err := t.store.Document(ctx, customer, unsubscribeKind, token)
		if err != nil {
			return unsubscribing{}, err
		}
		return decode[unsubscribing](d.Data)
	}
	return agent.Link{
		Name: unsubscribeLink, Title: "No more e-mails", Button: "Send me no more",
		Show: func(ctx context.Context, customer storage.CustomerID, token string) (string, error) {
			u, err := find(ctx, customer, token)
			return fmt.Sprintf("%s will get no more of these e-mails.", u.Email), err
		},
		Do: func(ctx context.Context, customer storage.CustomerID, token string) (string, error) {
			u, err := find(ctx, customer, token)
			if err == nil {
				_, err = t.suppress(ctx, customer, u.Email, "unsubscribed")
			}
			return fmt.Sprintf("%s gets no more of these e-mails.", u.Email), err
		},
	}
}

const outreachCount = "outreach_count"

// tally is the data of what was done in the last day.
type tally struct {
	At []time.Time `json:"at"`
}

// take counts something that may be done so many times in 24 hours, and reports whether it
// may be done now. It holds whoever else asks, until the transaction ends.
func (t *team) take(ctx context.Context, tx storage.Store, customer storage.CustomerID, what string, most int) (bool, error) {
	now, may := t.now(), false
	data, err := encode(tally{})
	if err != nil {
		return false, err
	}
	err = tx.CreateDocument(ctx, storage.Document{CustomerID: customer, Kind: outreachCount, ID: what, Data: data, CreatedAt: now, UpdatedAt: now})
	if err != nil && !errors.Is(err, storage.ErrExists) {
		return false, err
	}
	_, err = tx.UpdateDocument(ctx, customer, outreachCount, what, func(d *storage.Document) error {
		c, err := decode[tally](d.Data)
		if err != nil {
			return err
		}
		recent := tally{At: []time.Time{}}
		for _, at := range c.At {
			if now.Sub(at) < 24*time.Hour {
				recent.At = append(recent.At, at)
			}
		}
		if may = len(recent.At) < most; may {
			recent.At = append(recent.At, now)
		}
		d.UpdatedAt = now
		d.Data, err = encode(recent)
		return err
	})
	return may, err
}

// giveBack takes the newest count back: what it was for was not done.
func (t *team) giveBack(ctx context.Context, tx storage.Store, customer storage.CustomerID, what string) error {
	_, err := tx.UpdateDocument(ctx, customer, outreachCount, what, func(d *storage.Document) error {
		c, err := decode[tally](d.Data)
		if err != nil || len(c.At) == 0 {
			return err
		}
		c.At = c.At[:len(c.At)-1]
		d.Data, err = encode(c)
		return err
	})
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}
