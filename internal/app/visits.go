package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/storage"
)

// A customer signs in to the dashboard by a link that a client with a key has made: a
// document with the hash of its token, good once. A session is another such document.
const (
	visitLinkKind = "dashboard_link"
	visitKind     = "dashboard_session"

	visitLinkLife = 5 * time.Minute
	visitLife     = 12 * time.Hour
	maxVisits     = 50
)

// ErrVisit says that a link or a session of the dashboard is not good.
var ErrVisit = errors.New("app: the link or the session is not good")

// ErrShutOut says that a session is good, and its customer may not come in: nothing is
// paid for, or an operator has suspended them.
var ErrShutOut = errors.New("app: the customer may not come in")

// VisitLink is how a browser gets into the dashboard.
type VisitLink struct {
	URL       string
	ExpiresAt time.Time
}

type visit struct {
	ExpiresAt time.Time `json:"expiresAt"`
}

func hashed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func (a *App) newVisit(ctx context.Context, tx storage.Store, customer storage.CustomerID, kind string, life time.Duration) (token string, until time.Time, err error) {
	now, secret := storage.Now(), rand.Text()
	until = now.Add(life)
	data, err := json.Marshal(visit{until})
	if err != nil {
		return "", until, err
	}
	return string(customer) + "." + secret, until, tx.CreateDocument(ctx, storage.Document{
		CustomerID: customer, Kind: kind, ID: hashed(secret), Data: data, CreatedAt: now, UpdatedAt: now,
	})
}

// sweepVisits forgets the customer's links or sessions that are over.
func sweepVisits(ctx context.Context, tx storage.Store, customer storage.CustomerID, kind string) error {
	list, err := tx.Documents(ctx, customer, storage.DocumentQuery{Kind: kind, Page: storage.Page{Limit: storage.MaxLimit}})
	if err != nil {
		return err
	}
	left := 0
	for _, d := range list {
		var v visit
		if err := json.Unmarshal(d.Data, &v); err != nil {
			return err
		}
		if left++; time.Now().After(v.ExpiresAt) || left > maxVisits {
			if err := tx.DeleteDocument(ctx, customer, kind, d.ID); err != nil && !errors.Is(err, storage.ErrNotFound) {
				return err
			}
		}
	}
	return nil
}

// DashboardLink makes a link that opens the dashboard in a browser, once.
func (a *App) DashboardLink(ctx context.Context, customer storage.CustomerID) (VisitLink, error) {
	base, err := a.Base(ctx)
	if err != nil {
		return VisitLink{}, err
	}
	var link VisitLink
	err = a.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		if err := sweepVisits(ctx, tx, customer, visitLinkKind); err != nil {
			return err
		}
		token, until, err := a.newVisit(ctx, tx, customer, visitLinkKind, visitLinkLife)
		link = VisitLink{base + "/dashboard/sign-in?t=" + token, until}
		return err
	})
	return link, err
}

// findVisit returns whose link or session a token is.
func (a *App) findVisit(ctx context.Context, store storage.Store, kind, token string) (customer storage.CustomerID, id string, err error) {
	owner, secret, ok := strings.Cut(token, ".")
	if !ok || owner == "" || secret == "" || len(token) > 200 {
		return "", "", ErrVisit
	}
	d, err := store.Document(ctx, storage.CustomerID(owner), kind, hashed(secret))
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrInvalid) {
		return "", "", ErrVisit
	}
	if err != nil {
		return "", "", err
	}
	var v visit
	if err := json.Unmarshal(d.Data, &v); err != nil {
		return "", "", err
	}
	if time.Now().After(v.ExpiresAt) {
		return "", "", ErrVisit
	}
	return d.CustomerID, d.ID, nil
}

// LookAtLink reports whether a link is good, and leaves it so.
func (a *App) LookAtLink(ctx context.Context, token string) error {
	_, _, err := a.findVisit(ctx, a.Store, visitLinkKind, token)
	return err
}

// SignIn uses a link up, and returns the token of a session and when it ends.
func (a *App) SignIn(ctx context.Context, token string) (session string, until time.Time, err error) {
	err = a.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		customer, id, err := a.findVisit(ctx, tx, visitLinkKind, token)
		if err != nil {
			return err
		}
		err = tx.DeleteDocument(ctx, customer, visitLinkKind, id)
		if errors.Is(err, storage.ErrNotFound) {
			return ErrVisit // somebody was faster
		}
		if err != nil {
			return err
		}
		if err := sweepVisits(ctx, tx, customer, visitKind); err != nil {
			return err
		}
		if session, until, err = a.newVisit(ctx, tx, customer, visitKind, visitLife); err != nil {
			return err
		}
		return storage.Record(ctx, tx, customer, "dashboard.opened", nil)
	})
	return session, until, err
}

// Visitor returns whose session a token is of, ErrVisit, or, with the customer,
// ErrShutOut.
func (a *App) Visitor(ctx context.Context, session string) (auth.Principal, storage.Customer, error) {
	customer, _, err := a.findVisit(ctx, a.Store, visitKind, session)
	if err != nil {
		return auth.Principal{}, storage.Customer{}, err
	}
	c, err := a.Store.Customer(ctx, customer)
	if errors.Is(err, storage.ErrNotFound) {
		return auth.Principal{}, c, ErrVisit
	}
	if err != nil {
		return auth.Principal{}, c, err
	}
	p := auth.Principal{Customer: customer, Status: c.StatusAt(time.Now())}
	if !p.Status.Entitled() {
		return p, c, ErrShutOut
	}
	return p, c, nil
}

// SignOut ends a session.
func (a *App) SignOut(ctx context.Context, session string) error {
	customer, id, err := a.findVisit(ctx, a.Store, visitKind, session)
	if errors.Is(err, ErrVisit) {
		return nil
	}
	if err == nil {
		err = a.Store.DeleteDocument(ctx, customer, visitKind, id)
	}
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}

// Show runs a tool of the catalog for the customer's own eyes or hands: it counts for no
// quota. Errors are those of CallTool.
func (a *App) Show(ctx context.Context, p auth.Principal, name string, args any) (json.RawMessage, error) {
	t, ok := a.tools[name]
	if !ok {
		return nil, storage.ErrNotFound
	}
	raw, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	ctx = a.serving(auth.NewContext(ctx, p), p.Customer)
	var result agent.Result
	err = a.guard(ctx, p, "tool "+name, func() (err error) {
		result, err = t.Call(ctx, p.Customer, raw)
		return err
	})
	return result.Structured, err
}

type openDashboardOut struct {
	URL       string `json:"url" jsonschema:"the link, for the customer's own browser; it works once"`
	ExpiresAt string `json:"expiresAt" jsonschema:"until when it works, in UTC"`
}

// offerDashboard adds the tool that opens it.
func (a *App) offerDashboard() {
	if !a.Dashboard {
		return
	}
	a.offer(agent.NewTool("open_dashboard", "Makes a link that opens the customer's dashboard in their browser: usage, content, runs, connections and what waits for a decision. Show it to them; it works once, for 5 minutes.",
		func(ctx context.Context, customer storage.CustomerID, _ struct{}) (openDashboardOut, error) {
			link, err := a.DashboardLink(ctx, customer)
			return openDashboardOut{link.URL, storage.FormatTime(link.ExpiresAt)}, err
		},
		&agent.ToolOptions{Title: "Open dashboard", NeedsPerson: true}))
}
