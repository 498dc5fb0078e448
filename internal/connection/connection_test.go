package connection_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/connect/connecttest"
	"github.com/heycmo/heycmo-go/connect/oauth2connect"
	"github.com/heycmo/heycmo-go/internal/connection"
	"github.com/heycmo/heycmo-go/internal/outbox"
	"github.com/heycmo/heycmo-go/internal/seal"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

const base = "http://127.0.0.1:8787"

// world is a host's connections, the platforms and two customers.
type world struct {
	*connecttest.Server
	*connection.Service
	store    storage.Store
	ring     *seal.Ring
	outbox   *outbox.Worker
	logs     *observer.ObservedLogs
	ada, bob storage.CustomerID

	mu  sync.Mutex
	now time.Time
}

func key(id string) seal.Key {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails, see crypto/rand
	return seal.Key{ID: id, Secret: secret}
}

func newRing(t testing.TB, keys ...seal.Key) *seal.Ring {
	t.Helper()
	r, err := seal.New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newWorld(t *testing.T) *world {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return worldOn(t, store, newRing(t, key("k1")))
}

func worldOn(t *testing.T, store storage.Store, ring *seal.Ring) *world {
	t.Helper()
	w := &world{Server: connecttest.NewServer(), store: store, ring: ring, now: storage.Now()}
	t.Cleanup(w.Close)
	w.Service = w.another(t)
	w.ada, w.bob = newCustomer(t, store), newCustomer(t, store)
	return w
}

// another returns a further replica's Service over the same store.
func (w *world) another(t *testing.T) *connection.Service {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	w.logs = logs
	s, err := connection.New(connection.Config{
		Store: w.store, Ring: w.ring, Notify: true, Log: zap.New(core),
		Platforms: oauth2connect.Platforms(w.Credentials(), &oauth2connect.Options{BaseURL: w.URL}),
	})
	if err != nil {
		t.Fatal(err)
	}
	connection.SetClock(s, w.clock)
	effects, _ := storage.RoleOf[storage.Effects](w.store)
	w.outbox = outbox.New(effects, s.Handlers(), zap.NewNop())
	return s
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// do does the effects that are due at the clock's time.
func (w *world) do(t *testing.T) {
	t.Helper()
	effects, _ := storage.RoleOf[storage.Effects](w.store)
	for {
		due, err := effects.TakeEffects(t.Context(), w.clock(), w.clock().Add(time.Minute), 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range due {
			handler := w.Handlers()[e.Kind]
			if handler == nil {
				continue // a notice
			}
			if err := handler(t.Context(), e); err != nil {
				t.Errorf("%s: %v", e.Kind, err)
			}
		}
		if len(due) == 0 {
			return
		}
	}
}

func newCustomer(t *testing.T, store storage.Store) storage.CustomerID {
	t.Helper()
	now := storage.Now()
	c := storage.Customer{ID: storage.CustomerID(storage.NewID()), Email: "c@example.com", Status: storage.StatusActive, CreatedAt: now, UpdatedAt: now}
	if err := store.CreateCustomer(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c.ID
}

// ask makes a link, and returns what stands behind "?link=" in it with its code.
func (w *world) ask(t *testing.T, customer storage.CustomerID, platform string) (link, code string) {
	t.Helper()
	links, err := w.Links(t.Context(), customer, []string{platform}, base)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(links[0].URL)
	if err != nil || !strings.HasPrefix(links[0].URL, base+"/connect/"+platform+"?") {
		t.Fatalf("the link is %s", links[0].URL)
	}
	return u.Query().Get("link"), links[0].Code
}

// prove proves a visitor and sends them to the platform, from where they come back.
func (w *world) prove(t *testing.T, customer storage.CustomerID, platform string) (cookie string, answer url.Values) {
	t.Helper()
	link, code := w.ask(t, customer, platform)
	page, cookie, err := w.Prove(t.Context(), platform, link, code, base)
	if err != nil {
		t.Fatal(err)
	}
	back, err := w.Visit(t.Context(), page)
	if err != nil {
		t.Fatal(err)
	}
	return cookie, back.Query()
}

func (w *world) link(t *testing.T, customer storage.CustomerID, platform string) {
	t.Helper()
	cookie, answer := w.prove(t, customer, platform)
	if _, err := w.Answer(t.Context(), platform, cookie, answer); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Confirm(t.Context(), platform, cookie, false); err != nil {
		t.Fatal(err)
	}
}

func (w *world) status(t *testing.T, customer storage.CustomerID, platform string) connection.Status {
	t.Helper()
	list, err := w.List(t.Context(), customer)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(s connection.Status) bool { return s.Platform == platform })
	return list[i]
}

func (w *world) events(t *testing.T, customer storage.CustomerID) (types []string) {
	t.Helper()
	list, err := w.store.Events(t.Context(), customer, storage.EventQuery{Type: "connection.*", Page: storage.Page{Limit: storage.MaxLimit}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range slices.Backward(list) {
		types = append(types, strings.TrimPrefix(e.Type, "connection."))
	}
	return types
}

var whoAmI = connect.Request{URL: "https://api.x.com/2/users/me"}

func TestLink(t *testing.T) {
	w := newWorld(t)
	if s := w.status(t, w.ada, "x"); s.Status != connection.StatusNotConnected || !s.Configured {
		t.Errorf("before: %+v", s)
	}
	cookie, answer := w.prove(t, w.ada, "x")
	if s := w.status(t, w.ada, "x"); s.Status != connection.StatusPending {
		t.Errorf("while the visitor is away: %+v", s)
	}
	view, err := w.Answer(t.Context(), "x", cookie, answer)
	if err != nil || view.Account.Name != "ada" || view.Elsewhere || view.Customer.ID != w.ada {
		t.Fatalf("%+v, %v", view, err)
	}
	if _, err := w.Do(t.Context(), w.ada, "x", whoAmI); !errors.Is(err, connect.ErrNotConnected) {
		t.Errorf("before it is confirmed: %v", err)
	}
	if _, err := w.Confirm(t.Context(), "x", cookie, false); err != nil {
		t.Fatal(err)
	}
	if s := w.status(t, w.ada, "x"); s.Status != connection.StatusConnected || s.Account != "ada" || s.ConnectedAt.IsZero() || !s.ExpiresAt.IsZero() {
		t.Errorf("after: %+v", s)
	}
	if resp, err := w.Do(t.Context(), w.ada, "x", whoAmI); err != nil || !bytes.Contains(resp.Body, []byte(connecttest.AccountOf("x", "ada"))) {
		t.Errorf("a call: %s, %v", resp.Body, err)
	}
	if _, err := w.Do(t.Context(), w.bob, "x", whoAmI); !errors.Is(err, connect.ErrNotConnected) {
		t.Errorf("a call for somebody else: %v", err)
	}
	if got := w.events(t, w.ada); !slices.Equal(got, []string{"connected"}) {
		t.Errorf("events %v", got)
	}
}

func TestProof(t *testing.T) {
	w := newWorld(t)
	link, code := w.ask(t, w.ada, "x")
	if v, err := w.Look(t.Context(), "x", link); err != nil || v.Customer.ID != w.ada {
		t.Errorf("the page of the link: %v", err)
	}
	for name, c := range map[string][3]string{
		"wrong code":           {"x", link, "AAAA-AAAA"},
		"no code":              {"x", link, ""},
		"another platform":     {"linkedin", link, code},
		"unknown platform":     {"myspace", link, code},
		"another's link":       {"x", strings.Replace(link, string(w.ada), string(w.bob), 1), code},
		"unknown link":         {"x", string(w.ada) + ".made-up", code},
		"unknown customer":     {"x", "nobody.made-up", code},
		"no link":              {"x", "", code},
		"nonsense for a link":  {"x", "\x00.\x00", code},
		"a very long link":     {"x", strings.Repeat("a.", 1000), code},
		"the hash, not secret": {"x", strings.Replace(link, link[len(link)-26:], strings.Repeat("0", 64), 1), code},
	} {
		if page, _, err := w.Prove(t.Context(), c[0], c[1], c[2], base); !errors.Is(err, connection.ErrLink) && !errors.Is(err, connection.ErrCode) {
			t.Errorf("%s: %q, %v", name, page, err)
		}
	}
	// As people type it.
	typed := " " + strings.ToLower(strings.Replace(code, "-", " ", 1)) + "\n"
	if _, _, err := w.Prove(t.Context(), "x", link, typed, base); err != nil {
		t.Errorf("the code, typed by a person: %v", err)
	}
	if _, _, err := w.Prove(t.Context(), "x", link, code, base); !errors.Is(err, connection.ErrLink) {
		t.Errorf("a link that was used: %v", err)
	}
}

func TestGuessing(t *testing.T) {
	w := newWorld(t)
	link, code := w.ask(t, w.ada, "x")
	for range 5 {
		if _, _, err := w.Prove(t.Context(), "x", link, "AAAA-AAAA", base); !errors.Is(err, connection.ErrCode) {
			t.Fatal(err)
		}
	}
	if _, _, err := w.Prove(t.Context(), "x", link, code, base); !errors.Is(err, connection.ErrLink) {
		t.Errorf("the right code after five wrong ones: %v", err)
	}
}

func TestTooLate(t *testing.T) {
	w := newWorld(t)
	link, code := w.ask(t, w.ada, "x")
	w.pass(30 * time.Minute)
	if _, _, err := w.Prove(t.Context(), "x", link, code, base); !errors.Is(err, connection.ErrLink) {
		t.Errorf("a link after 30 minutes: %v", err)
	}
	cookie, answer := w.prove(t, w.ada, "x")
	w.pass(11 * time.Minute)
	if _, err := w.Answer(t.Context(), "x", cookie, answer); !errors.Is(err, connection.ErrLink) {
		t.Errorf("an answer after 11 minutes: %v", err)
	}
	cookie, answer = w.prove(t, w.ada, "x")
	if _, err := w.Answer(t.Context(), "x", cookie, answer); err != nil {
		t.Fatal(err)
	}
	w.pass(11 * time.Minute)
	if _, err := w.Confirm(t.Context(), "x", cookie, false); !errors.Is(err, connection.ErrLink) {
		t.Errorf("a confirmation after 11 minutes: %v", err)
	}
	if w.Live() == 0 {
		t.Fatal("there is nothing to be revoked")
	}
	w.pass(time.Hour)
	w.do(t)
	if n := w.Live(); n != 0 {
		t.Errorf("%d tokens are left that nobody confirmed", n)
	}
	left, err := w.store.Documents(t.Context(), w.ada, storage.DocumentQuery{Kind: "connect_link", Page: storage.Page{Limit: 10}})
	if err != nil || len(left) != 0 {
		t.Errorf("links that are over: %d, %v", len(left), err)
	}
}

// What an attacker would try with the answer of a platform. Nothing is linked, and nothing
// is stored.
func TestForeignAnswers(t *testing.T) {
	for name, try := range map[string]func(t *testing.T, w *world) error{
		"another browser": func(t *testing.T, w *world) error {
			_, answer := w.prove(t, w.ada, "x")
			other, _ := w.prove(t, w.bob, "x")
			_, err := w.Answer(t.Context(), "x", other, answer)
			return err
		},
		"no browser": func(t *testing.T, w *world) error {
			_, answer := w.prove(t, w.ada, "x")
			_, err := w.Answer(t.Context(), "x", "", answer)
			return err
		},
		"a browser that names the link alone": func(t *testing.T, w *world) error {
			cookie, answer := w.prove(t, w.ada, "x")
			_, err := w.Answer(t.Context(), "x", cookie[:strings.LastIndex(cookie, ".")]+".made-up", answer)
			return err
		},
		"another platform's callback": func(t *testing.T, w *world) error {
			cookie, answer := w.prove(t, w.ada, "x")
			_, err := w.Answer(t.Context(), "linkedin", cookie, answer)
			return err
		},
		"another platform's code": func(t *testing.T, w *world) error {
			_, foreign := w.prove(t, w.ada, "linkedin")
			cookie, answer := w.prove(t, w.ada, "x")
			answer.Set("code", foreign.Get("code"))
			_, err := w.Answer(t.Context(), "x", cookie, answer)
			return err
		},
		"another state": func(t *testing.T, w *world) error {
			cookie, answer := w.prove(t, w.ada, "x")
			answer.Set("state", "made-up")
			_, err := w.Answer(t.Context(), "x", cookie, answer)
			return err
		},
		"a state of another link": func(t *testing.T, w *world) error {
			_, first := w.prove(t, w.ada, "x")
			cookie, _ := w.prove(t, w.ada, "x")
			_, err := w.Answer(t.Context(), "x", cookie, first)
			return err
		},
		"a consent that was denied": func(t *testing.T, w *world) error {
			w.Deny(true)
			cookie, answer := w.prove(t, w.ada, "x")
			_, err := w.Answer(t.Context(), "x", cookie, answer)
			if !errors.Is(err, connect.ErrDenied) {
				t.Errorf("denied: %v", err)
			}
			return err
		},
		"fewer scopes": func(t *testing.T, w *world) error {
			w.Withhold("tweet.write")
			cookie, answer := w.prove(t, w.ada, "x")
			_, err := w.Answer(t.Context(), "x", cookie, answer)
			return err
		},
		"a platform that is down": func(t *testing.T, w *world) error {
			cookie, answer := w.prove(t, w.ada, "x")
			w.Fail(connecttest.FailDown, "")
			_, err := w.Answer(t.Context(), "x", cookie, answer)
			return err
		},
		"a platform that answers HTML": func(t *testing.T, w *world) error {
			cookie, answer := w.prove(t, w.ada, "x")
			w.Fail(connecttest.FailHTML, "")
			_, err := w.Answer(t.Context(), "x", cookie, answer)
			return err
		},
		"an identity that fails": func(t *testing.T, w *world) error {
			cookie, answer := w.prove(t, w.ada, "x")
			w.Fail(connecttest.FailHTML, "users/me")
			_, err := w.Answer(t.Context(), "x", cookie, answer)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			err := try(t, w)
			if err == nil {
				t.Fatal("it was taken")
			}
			if w.HasSecret(err.Error()) {
				t.Errorf("the error shows a secret: %v", err)
			}
			if n := w.Live(); n != 0 {
				t.Errorf("%d tokens are good that nobody uses", n)
			}
			for _, customer := range []storage.CustomerID{w.ada, w.bob} {
				for _, platform := range []string{"x", "linkedin"} {
					if s := w.status(t, customer, platform); s.Account != "" || s.Status == connection.StatusConnected {
						t.Errorf("linked: %+v", s)
					}
				}
			}
		})
	}
}

func TestAnswerTwice(t *testing.T) {
	w := newWorld(t)
	cookie, answer := w.prove(t, w.ada, "x")
	if _, err := w.Answer(t.Context(), "x", cookie, answer); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Answer(t.Context(), "x", cookie, answer); !errors.Is(err, connection.ErrLink) {
		t.Errorf("an answer that was used: %v", err)
	}
	if _, err := w.Confirm(t.Context(), "x", cookie, false); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Confirm(t.Context(), "x", cookie, false); !errors.Is(err, connection.ErrLink) {
		t.Errorf("a confirmation that was used: %v", err)
	}
}

func TestRefuse(t *testing.T) {
	w := newWorld(t)
	cookie, answer := w.prove(t, w.ada, "x")
	if _, err := w.Answer(t.Context(), "x", cookie, answer); err != nil {
		t.Fatal(err)
	}
	if err := w.Refuse(t.Context(), "x", cookie); err != nil {
		t.Fatal(err)
	}
	if n := w.Live(); n != 0 {
		t.Errorf("%d tokens are good that nobody wants", n)
	}
	if _, err := w.Confirm(t.Context(), "x", cookie, false); !errors.Is(err, connection.ErrLink) {
		t.Errorf("a confirmation of what was refused: %v", err)
	}
}

func TestTakeover(t *testing.T) {
	w := newWorld(t)
	w.link(t, w.ada, "x")
	cookie, answer := w.prove(t, w.bob, "x")
	view, err := w.Answer(t.Context(), "x", cookie, answer)
	if err != nil || !view.Elsewhere {
		t.Fatalf("%+v, %v", view, err)
	}
	if _, err := w.Confirm(t.Context(), "x", cookie, false); !errors.Is(err, connect.ErrElsewhere) {
		t.Fatalf("without saying so: %v", err)
	}
	if s := w.status(t, w.ada, "x"); s.Status != connection.StatusConnected {
		t.Errorf("the one who has it, before: %+v", s)
	}
	if _, err := w.Confirm(t.Context(), "x", cookie, true); err != nil {
		t.Fatal(err)
	}
	if s := w.status(t, w.ada, "x"); s.Status != connection.StatusNeedsReconnect || s.Error == "" {
		t.Errorf("the one who had it: %+v", s)
	}
	if _, err := w.Do(t.Context(), w.ada, "x", whoAmI); !errors.Is(err, connect.ErrRevoked) {
		t.Errorf("a call of the one who had it: %v", err)
	}
	if _, err := w.Do(t.Context(), w.bob, "x", whoAmI); err != nil {
		t.Errorf("a call of the one who has it: %v", err)
	}
	if got := w.events(t, w.ada); !slices.Equal(got, []string{"connected", "taken_over"}) {
		t.Errorf("events %v", got)
	}
}

func TestAnotherAccount(t *testing.T) {
	w := newWorld(t)
	w.link(t, w.ada, "x")
	w.SignIn("eve")
	cookie, answer := w.prove(t, w.ada, "x")
	view, err := w.Answer(t.Context(), "x", cookie, answer)
	if err != nil || view.Before != "ada" || view.Account.Name != "eve" {
		t.Fatalf("%+v, %v", view, err)
	}
	if _, err := w.Confirm(t.Context(), "x", cookie, false); err != nil {
		t.Fatal(err)
	}
	w.do(t)
	if n := w.Live(); n != 2 {
		t.Errorf("%d tokens are good; want the two of the new account", n)
	}
	if _, err := w.Do(t.Context(), w.ada, "x", whoAmI); err != nil {
		t.Error(err)
	}
}
