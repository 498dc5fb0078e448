package connection

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/storage"
)

const linkKind = "connect_link"

// How long a link's steps may take.
const (
	linkLife    = 30 * time.Minute
	stateLife   = 10 * time.Minute
	confirmLife = 10 * time.Minute
	maxTries    = 5 // of the code
	maxOpen     = 50
	maxAccount  = 100 // bytes
)

// The states of links.
const (
	linkOpen     = "open"
	linkProven   = "proven"
	linkAnswered = "answered"
	linkDone     = "done"
)

// Errors of links, for visitors.
var (
	// ErrLink says that a link is unknown, used or over, or of another browser.
	ErrLink = errors.New("connection: the link is not good")
	// ErrCode says that the code is wrong. The link stays good.
	ErrCode = errors.New("connection: the code is wrong")
)

// Link is an address at which a customer links an account.
type Link struct {
	Platform, Title string
	URL             string
	// Code proves to the page who opens it. It is shown to whoever asked for the link.
	Code      string
	ExpiresAt time.Time
}

// linkData is the data of a link's document. Secrets are hashed, or sealed.
type linkData struct {
	Platform string    `json:"platform"`
	Code     string    `json:"code"` // SHA-256
	Tries    int       `json:"tries"`
	Expires  time.Time `json:"expiresAt"` // of this step
	Redirect string    `json:"redirect,omitempty"`
	State    string    `json:"state,omitempty"`   // SHA-256
	Browser  string    `json:"browser,omitempty"` // SHA-256
	Sealed   []byte    `json:"sealed,omitempty"`
}

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func same(secret, hashed string) bool {
	return hashed != "" && subtle.ConstantTimeCompare([]byte(hash(secret)), []byte(hashed)) == 1
}

// codeLetters can't be taken for one another.
const codeLetters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

func newCode() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	for i := range b {
		b[i] = codeLetters[int(b[i])%len(codeLetters)]
	}
	return string(b[:4]) + "-" + string(b[4:])
}

// plainCode is a code as people type it.
func plainCode(typed string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(codeLetters, r) {
			return r
		}
		return -1
	}, strings.ToUpper(typed))
}

// Links makes a link to each of the platforms, to all with credentials when there are
// none, under the address of the host. Errors wrap [storage.ErrInvalid] and
// [storage.ErrConflict].
func (s *Service) Links(ctx context.Context, customer storage.CustomerID, platforms []string, base string) ([]Link, error) {
	if len(platforms) == 0 {
		for _, p := range s.Platforms {
			if p.Connector != nil {
				platforms = append(platforms, p.ID)
			}
		}
		if len(platforms) == 0 {
			return nil, storage.Conflict("no platform is configured")
		}
	}
	seen := map[string]bool{}
	for _, id := range platforms {
		if _, err := s.connector(id); err != nil {
			return nil, err
		}
		if seen[id] {
			return nil, storage.Invalid("platforms", "a list that names each once; %q is there twice", id)
		}
		seen[id] = true
	}
	var links []Link
	err := s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		links = nil
		open, err := tx.Documents(ctx, customer, storage.DocumentQuery{Kind: linkKind, Status: linkOpen, Page: storage.Page{Limit: maxOpen}})
		if err != nil {
			return err
		}
		if len(open)+len(platforms) > maxOpen {
			return storage.Conflict("%d links are open, which is the most there can be; they end within an hour", len(open))
		}
		for _, id := range platforms {
			link, err := s.newLink(ctx, tx, customer, id, base)
			if err != nil {
				return err
			}
			links = append(links, link)
		}
		return nil
	})
	return links, err
}

func (s *Service) newLink(ctx context.Context, tx storage.Store, customer storage.CustomerID, platform, base string) (Link, error) {
	secret, code, now := rand.Text(), newCode(), s.now()
	data := linkData{Platform: platform, Code: hash(plainCode(code)), Expires: now.Add(linkLife)}
	d := storage.Document{
		CustomerID: customer, Kind: linkKind, ID: hash(secret), Status: linkOpen, Data: encode(data), CreatedAt: now, UpdatedAt: now,
	}
	if err := tx.CreateDocument(ctx, d); err != nil {
		return Link{}, err
	}
	err := s.later(ctx, tx, customer, KindSweep+":"+d.ID, KindSweep, sweep{d.ID}, now.Add(linkLife+stateLife+confirmLife+time.Minute))
	return Link{
		Platform: platform, Title: s.platforms[platform].Title,
		URL:  base + "/connect/" + platform + "?link=" + url.QueryEscape(string(customer)+"."+secret),
		Code: code, ExpiresAt: data.Expires,
	}, err
}

// ticket names a link: whose it is, and its secret.
func ticket(text string) (customer storage.CustomerID, id string, err error) {
	owner, secret, ok := strings.Cut(text, ".")
	if !ok || owner == "" || secret == "" || len(text) > 200 {
		return "", "", ErrLink
	}
	return storage.CustomerID(owner), hash(secret), nil
}

// View is what a page shows of a link.
type View struct {
	Customer storage.Customer
	Platform connect.Platform
	// Account is the one that was linked, and Before the name of the one in whose place it
	// comes, if there is one. Elsewhere says that another customer has it.
	Account   connect.Account
	Before    string
	Elsewhere bool
}

// Look returns what the page of a link shows before the visitor is proven, or [ErrLink].
func (s *Service) Look(ctx context.Context, platform, link string) (View, error) {
	customer, id, err := ticket(link)
	if err != nil {
		return View{}, err
	}
	d, data, err := s.link(ctx, s.Store, customer, id)
	if err != nil {
		return View{}, err
	}
	if d.Status != linkOpen || data.Platform != platform || !s.now().Before(data.Expires) {
		return View{}, ErrLink
	}
	return s.view(ctx, customer, platform)
}

func (s *Service) link(ctx context.Context, store storage.Store, customer storage.CustomerID, id string) (storage.Document, linkData, error) {
	d, err := store.Document(ctx, customer, linkKind, id)
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrInvalid) {
		return d, linkData{}, ErrLink
	}
	if err != nil {
		return d, linkData{}, err
	}
	data, err := linkOf(d)
	return d, data, err
}

func linkOf(d storage.Document) (data linkData, err error) {
	if err = json.Unmarshal(d.Data, &data); err != nil {
		err = fmt.Errorf("connection: link: %w", err)
	}
	return data, err
}

func (s *Service) view(ctx context.Context, customer storage.CustomerID, platform string) (View, error) {
	c, err := s.Store.Customer(ctx, customer)
	if err != nil {
		return View{}, err
	}
	if !c.StatusAt(s.now()).Entitled() {
		return View{}, ErrLink
	}
	v := View{Customer: c, Platform: s.platforms[platform]}
	row, err := connectionsOf(s.Store).Connection(ctx, customer, platform)
	if errors.Is(err, storage.ErrNotFound) {
		return v, nil
	}
	if err != nil {
		return v, err
	}
	rec, err := recordOf(row)
	v.Before = rec.Account
	return v, err
}

// step changes a link that is in a state and not over. The visitor's browser must be the
// one that proved itself, unless the link is open.
func (s *Service) step(ctx context.Context, documents storage.Documents, customer storage.CustomerID, id, platform, state, browser string, change func(d *storage.Document, data *linkData) error) (linkData, error) {
	var after linkData
	_, err := documents.UpdateDocument(ctx, customer, linkKind, id, func(d *storage.Document) error {
		data, err := linkOf(*d)
		if err != nil {
			return err
		}
		if d.Status != state || data.Platform != platform || !s.now().Before(data.Expires) || state != linkOpen && !same(browser, data.Browser) {
			return ErrLink
		}
		if err := change(d, &data); err != nil {
			return err
		}
		d.UpdatedAt, d.Data, after = s.now(), encode(data), data
		return nil
	})
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrInvalid) {
		err = ErrLink
	}
	return after, err
}

// underway is what is sealed while a visitor is at the platform.
type underway struct {
	Verifier string `json:"verifier"`
	Memo     string `json:"memo,omitempty"`
}

func linkPlace(customer storage.CustomerID, id, what string) []string {
	return []string{linkKind, string(customer), id, what}
}

// Prove takes the code that the visitor typed, and returns the page of the platform at
// which they go on, and what their browser keeps to be known again. The state that the
// platform sends back is good once, for ten minutes.
func (s *Service) Prove(ctx context.Context, platform, link, code, base string) (page, cookie string, err error) {
	customer, id, err := ticket(link)
	if err != nil {
		return "", "", err
	}
	connector, err := s.connector(platform)
	if err != nil {
		return "", "", ErrLink
	}
	if _, err := s.view(ctx, customer, platform); err != nil {
		return "", "", linkErr(err)
	}
	wrong := false
	start := connect.Start{
		Customer: customer, RedirectURI: base + "/connect/" + platform + "/callback", State: rand.Text(), Verifier: rand.Text() + rand.Text(),
	}
	browser := rand.Text()
	_, err = s.step(ctx, s.Store, customer, id, platform, linkOpen, "", func(d *storage.Document, data *linkData) error {
		if wrong = !same(plainCode(code), data.Code); wrong {
			if data.Tries++; data.Tries == maxTries {
				d.Status = linkDone
			}
			return nil
		}
		d.Status = linkProven
		data.Code, data.Redirect, data.State, data.Browser = "", start.RedirectURI, hash(start.State), hash(browser)
		data.Expires = s.now().Add(stateLife)
		return nil
	})
	if err != nil {
		return "", "", err
	}
	if wrong {
		return "", "", ErrCode
	}
	page, memo, err := connector.Begin(ctx, start)
	if err != nil {
		return "", "", err
	}
	_, err = s.step(ctx, s.Store, customer, id, platform, linkProven, browser, func(_ *storage.Document, data *linkData) error {
		data.Sealed = s.Ring.Seal(encode(underway{start.Verifier, memo}), linkPlace(customer, id, "start")...)
		return nil
	})
	return page, string(customer) + "." + strings.SplitN(link, ".", 2)[1] + "." + browser, err
}

func linkErr(err error) error {
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrInvalid) {
		return ErrLink
	}
	return err
}
