// Package connection keeps customers' accounts at platforms for a host: it makes links,
// sees that whoever ends one has begun it, keeps what opens the account sealed, renews
// it, and calls the platforms with it.
//
//	s, err := connection.New(connection.Config{Store: store, Ring: ring, Platforms: platforms, ...})
//	links, err := s.Links(ctx, customer, nil, "https://example.com")
//	answer, err := s.Do(ctx, customer, "x", connect.Request{...})
//
// A connection is a row of the role [storage.Connections]. What is under way is a document
// of the customer, whose steps are
//
//	open      a link was made; a code proves who opens it
//	proven    the visitor is at the platform
//	answered  they are back; the account is shown to them
//	done      they have confirmed it, or said no
//
// What must happen later, such as revoking what nobody confirmed, is an effect in the
// outbox.
package connection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"

	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/internal/outbox"
	"github.com/heycmo/heycmo-go/internal/seal"
	"github.com/heycmo/heycmo-go/notify"
	"github.com/heycmo/heycmo-go/storage"
)

// Config is what a Service works with. Every field is set but those that say they may be
// empty.
type Config struct {
	Store     storage.Store // with the roles storage.Connections and storage.Effects
	Ring      *seal.Ring
	Platforms []connect.Platform
	// Notify says that notices are stored for the customers' eyes.
	Notify bool
	// Wake has the outbox look for effects at once; may be nil.
	Wake func()
	Log  *zap.Logger
}

// Service keeps connections.
type Service struct {
	Config
	platforms map[string]connect.Platform
	refreshes singleflight.Group
	now       func() time.Time
	poll      time.Duration // between looks at a renewal of another replica
}

// New returns a Service. It starts nothing. The error says what the store lacks, or what
// is wrong with a platform.
func New(c Config) (*Service, error) {
	if c.Wake == nil {
		c.Wake = func() {}
	}
	s := &Service{Config: c, platforms: map[string]connect.Platform{}, now: storage.Now, poll: 100 * time.Millisecond}
	_, connections := storage.RoleOf[storage.Connections](c.Store)
	_, effects := storage.RoleOf[storage.Effects](c.Store)
	if !connections || !effects {
		return nil, errors.New("the store has no storage.Connections and storage.Effects, which Platforms need")
	}
	if err := connect.Check(c.Platforms); err != nil {
		return nil, err
	}
	for _, p := range c.Platforms {
		s.platforms[p.ID] = p
	}
	return s, nil
}

func connectionsOf(s storage.Store) storage.Connections {
	c, _ := storage.RoleOf[storage.Connections](s) // New has looked
	return c
}

// The states of connections.
const (
	StatusConnected      = "connected"
	StatusPending        = "pending" // a visitor is on the way; of no row
	StatusNeedsReconnect = "needs_reconnect"
	StatusNotConnected   = "not_connected" // of no row
)

// record is the data of a connection.
type record struct {
	Account string    `json:"account"` // its name
	Scopes  []string  `json:"scopes,omitempty"`
	Expires time.Time `json:"expiresAt,omitzero"` // of the access
	Renews  bool      `json:"renews,omitempty"`   // there is a refresh token
	At      time.Time `json:"connectedAt,omitzero"`
	Error   string    `json:"error,omitempty"` // why it must be linked anew
	// Lease is held by whoever renews the grant.
	Lease lease `json:"lease,omitzero"`
}

type lease struct {
	By    string    `json:"by"`
	Until time.Time `json:"until"`
}

// Status is how it stands with a customer's account at a platform.
type Status struct {
	Platform, Title, Purpose string
	Configured               bool // the host has credentials
	Status                   string
	Account                  string // name
	ConnectedAt              time.Time
	// ExpiresAt is when it must be linked anew; zero: it isn't known to be.
	ExpiresAt time.Time
	Error     string
}

// List returns how it stands with all platforms, in the order of Config.
func (s *Service) List(ctx context.Context, customer storage.CustomerID) ([]Status, error) {
	rows := map[string]storage.Connection{}
	for page := (storage.Page{Limit: storage.MaxLimit}); ; {
		list, err := connectionsOf(s.Store).Connections(ctx, customer, page)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			rows[c.Platform] = c
		}
		if len(list) < page.Limit {
			break
		}
		page.Before = list[len(list)-1].Platform
	}
	pending, err := s.pending(ctx, customer)
	if err != nil {
		return nil, err
	}
	all := []Status{}
	for _, p := range s.Platforms {
		one := Status{Platform: p.ID, Title: p.Title, Purpose: p.Purpose, Configured: p.Connector != nil, Status: StatusNotConnected}
		if c, ok := rows[p.ID]; ok {
			rec, err := recordOf(c)
			if err != nil {
				return nil, err
			}
			one.Status, one.Account, one.ConnectedAt, one.Error = c.Status, rec.Account, rec.At, rec.Error
			if !rec.Renews {
				one.ExpiresAt = rec.Expires
			}
		}
		if one.Status != StatusConnected && pending[p.ID] {
			one.Status = StatusPending
		}
		if !one.Configured && one.Error == "" {
			one.Error = "not configured: this service has no app at " + p.Title
		}
		all = append(all, one)
	}
	return all, nil
}

// Known returns the IDs of the platforms, those with credentials first.
func (s *Service) Known() (ids []string) {
	for _, configured := range []bool{true, false} {
		for _, p := range s.Platforms {
			if (p.Connector != nil) == configured {
				ids = append(ids, p.ID)
			}
		}
	}
	return ids
}

// connector returns that of a platform, or what is wrong with asking for it.
func (s *Service) connector(platform string) (connect.Connector, error) {
	p, ok := s.platforms[platform]
	switch {
	case !ok:
		return nil, storage.Invalid("platform", "one of %v", s.Known())
	case p.Connector == nil:
		return nil, storage.Conflict("%s is not configured: this service has no app there", p.Title)
	}
	return p.Connector, nil
}

func recordOf(c storage.Connection) (r record, err error) {
	if err = json.Unmarshal(c.Data, &r); err != nil {
		err = fmt.Errorf("connection: %s of %s: %w", c.Platform, c.CustomerID, err)
	}
	return r, err
}

// sealedGrant is a grant as it is sealed.
type sealedGrant struct {
	Access  string          `json:"access"`
	Refresh string          `json:"refresh,omitempty"`
	Expires time.Time       `json:"expires,omitzero"`
	Scopes  []string        `json:"scopes,omitempty"`
	Account connect.Account `json:"account"`
	API     string          `json:"api,omitempty"`
}

func place(customer storage.CustomerID, platform string) []string {
	return []string{"connections", string(customer), platform, "grant"}
}

func (s *Service) seal(g connect.Grant, names ...string) []byte {
	return s.Ring.Seal(encode(sealedGrant(g)), names...)
}

func (s *Service) open(sealed []byte, names ...string) (connect.Grant, error) {
	data, err := s.Ring.Open(sealed, names...)
	if err != nil {
		return connect.Grant{}, err
	}
	var g sealedGrant
	err = json.Unmarshal(data, &g)
	return connect.Grant(g), err
}

// put writes a grant into a row.
func (s *Service) put(c *storage.Connection, rec record, g connect.Grant) error {
	rec.Account, rec.Scopes, rec.Expires, rec.Renews = g.Account.Name, g.Scopes, g.Expires, g.Refresh != ""
	c.Account, c.Status, c.Sealed, c.Data = g.Account.ID, StatusConnected, s.seal(g, place(c.CustomerID, c.Platform)...), encode(rec)
	var err error
	c.SealedWith, err = seal.KeyOf(c.Sealed)
	c.UpdatedAt = s.now()
	return err
}

// lose takes from a row what opens the account.
func (s *Service) lose(c *storage.Connection, rec record, why string) {
	rec.Error, rec.Lease = why, lease{}
	c.Status, c.Sealed, c.SealedWith, c.Data, c.UpdatedAt = StatusNeedsReconnect, nil, "", encode(rec), s.now()
}

func encode(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("connection: %T has no JSON: %v", v, err)) // records of ours always have
	}
	return data
}

// tell records an event and, when the customer must act, a notice.
func (s *Service) tell(ctx context.Context, tx storage.Store, customer storage.CustomerID, event, platform string, more map[string]any, notice bool) error {
	data := map[string]any{"platform": platform}
	maps.Copy(data, more)
	if err := storage.Record(ctx, tx, customer, event, data); err != nil || !notice || !s.Notify {
		return err
	}
	now := s.now()
	n := notify.Notice{
		ID: fmt.Sprintf("connection:%s:%s:%d", customer, platform, now.UnixMicro()), Kind: notify.KindReconnect,
		CustomerID: string(customer), Note: s.platforms[platform].Title,
	}
	return s.later(ctx, tx, customer, "notice:"+n.ID, outbox.KindNotice, n, now)
}

// later stores something to be done.
func (s *Service) later(ctx context.Context, tx storage.Store, customer storage.CustomerID, id, kind string, data any, due time.Time) error {
	effects, _ := storage.RoleOf[storage.Effects](tx) // New has looked
	return effects.CreateEffect(ctx, storage.Effect{ID: id, Kind: kind, Customer: customer, Data: encode(data), CreatedAt: s.now(), DueAt: due})
}

// Rotate seals everything anew that is sealed with an older key, a batch at a time, and
// returns how much it was by key. What can't be opened stays, and is reported.
func Rotate(ctx context.Context, store storage.Store, ring *seal.Ring, batch int) (done map[string]int, err error) {
	connections, ok := storage.RoleOf[storage.Connections](store)
	if !ok {
		return nil, errors.New("connection: the store has no storage.Connections")
	}
	done = map[string]int{}
	var errs []error
	for after := (storage.ConnectionKey{}); ; {
		stale, err := connections.StaleConnections(ctx, ring.Newest(), after, batch)
		if err != nil {
			return done, err
		}
		for _, c := range stale {
			old := c.SealedWith
			_, err := connections.UpdateConnection(ctx, c.CustomerID, c.Platform, func(c *storage.Connection) error {
				if c.SealedWith == "" || c.SealedWith == ring.Newest() {
					old = ""
					return nil
				}
				text, err := ring.Open(c.Sealed, place(c.CustomerID, c.Platform)...)
				if err != nil {
					return err
				}
				c.Sealed = ring.Seal(text, place(c.CustomerID, c.Platform)...)
				c.SealedWith = ring.Newest()
				return nil
			})
			switch {
			case errors.Is(err, storage.ErrNotFound):
			case ctx.Err() != nil:
				return done, err
			case err != nil:
				errs = append(errs, fmt.Errorf("connection: %s of %s: %w", c.Platform, c.CustomerID, err))
			case old != "":
				done[old]++
			}
			after = storage.ConnectionKey{Customer: c.CustomerID, Platform: c.Platform}
		}
		if len(stale) < batch {
			return done, errors.Join(errs...)
		}
	}
}
