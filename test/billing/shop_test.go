// Package billing_test has a host sell to people who pay at a Stripe that is fake,
// over real HTTP and on real databases.
package billing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/billingtest"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/internal/pgtest"
	"github.com/heycmo/heycmo-go/notify"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/pgstore"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// opener opens a new, empty database.
type opener func(t *testing.T) storage.Store

// onBoth runs a test on SQLite and on PostgreSQL.
func onBoth(t *testing.T, test func(t *testing.T, open opener)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, func(t *testing.T) storage.Store {
			return opened(t)(sqlitestore.Open(t.Context(), t.TempDir()+"/shop.db", nil))
		})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, func(t *testing.T) storage.Store { return opened(t)(pgstore.Open(t.Context(), pgtest.DSN(t), nil)) })
	})
}

func opened(t *testing.T) func(s interface {
	storage.Store
	io.Closer
}, err error) storage.Store {
	return func(s interface {
		storage.Store
		io.Closer
	}, err error,
	) storage.Store {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}
}

// shop is a host that sells two plans, with the people who pay.
type shop struct {
	*testing.T
	fake       *billingtest.Fake
	store      storage.Store
	server     *heycmo.Server
	url        string
	basic, pro string // prices
	browser    *http.Client

	mu      sync.Mutex
	events  []string
	notices []string
}

// setting changes what a shop does by default.
type setting func(*heycmo.Options)

func newShop(t *testing.T, store storage.Store, settings ...setting) *shop {
	t.Helper()
	s := &shop{T: t, fake: billingtest.StartFake(t, nil), store: store}
	s.basic = s.fake.Price()
	s.pro = s.fake.AddPrice(billing.Price{Currency: "usd", Amount: 9900, Interval: "month", Count: 1})
	s.browser = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}
	s.browser.Jar, _ = cookiejar.New(nil) // never fails
	t.Cleanup(s.browser.CloseIdleConnections)
	s.server, s.url = s.replica(settings...)
	return s
}

// replica starts a host of the shop on its store.
func (s *shop) replica(settings ...setting) (*heycmo.Server, string) {
	s.Helper()
	provider, err := stripebilling.New(s.fake.Key(), &stripebilling.Options{
		BaseURL: s.fake.URL(), WebhookSecrets: []string{s.fake.Secret()}, Retries: -1,
	})
	if err != nil {
		s.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	o := &heycmo.Options{
		Log:       zaptest.NewLogger(s, zaptest.Level(zap.WarnLevel)),
		PublicURL: url,
		Limits:    heycmo.Limits{REST: -1, MCP: -1, Checkout: -1},
		Catalog:   &agent.Catalog{},
		Tools:     []*agent.Tool{agent.NewTool("echo", "Says it again.", echo, nil)},
		Billing: &heycmo.Billing{
			Provider: provider,
			Plans: []billing.Plan{
				{ID: "basic", Name: "Basic", Price: s.basic, Quotas: map[string]int64{"tool_calls": 3}},
				{ID: "pro", Name: "Pro", Price: s.pro, Quotas: map[string]int64{"tool_calls": 1000}},
			},
			ManageURL: "https://example.com/billing",
		},
		OnEvent: func(_ context.Context, e storage.Event) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, e.Type)
			return nil
		},
		Notifier: notify.Func(func(_ context.Context, n notify.Notice) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.notices = append(s.notices, string(n.Kind)+" "+n.Email)
			return nil
		}),
	}
	for _, set := range settings {
		set(o)
	}
	server, err := heycmo.New(s.store, o)
	if err != nil {
		s.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(s.Context()))
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, listener, nil) }()
	s.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			s.Error(err)
		}
	})
	return server, url
}

type words struct {
	Text string `json:"text"`
}

func echo(_ context.Context, _ storage.CustomerID, in words) (words, error) { return in, nil }

// answer is what the host said.
type answer struct {
	status int
	header http.Header
	text   string
	fields map[string]any // of a JSON object
}

func (a answer) object(name string) map[string]any { o, _ := a.fields[name].(map[string]any); return o }
func (a answer) str(name string) string            { v, _ := a.fields[name].(string); return v }

// ask sends a request to the shop. A body is sent as JSON.
func (s *shop) ask(method, path, key string, body any) answer {
	s.Helper()
	return s.askAt(s.url, method, path, key, body)
}

func (s *shop) askAt(url, method, path, key string, body any) answer {
	s.Helper()
	a, err := s.try(url, method, path, key, body)
	if err != nil {
		s.Fatal(err)
	}
	return a
}

func (s *shop) try(url, method, path, key string, body any) (answer, error) {
	var reader io.Reader = http.NoBody
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		reader = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(s.Context(), method, url+path, reader)
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := s.browser.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: res.StatusCode, header: res.Header, text: string(text)}
	_ = json.Unmarshal(text, &a.fields) // pages aren't JSON
	return a, nil
}

// want asks and checks the status.
func (s *shop) want(status int, method, path, key string, body any) answer {
	s.Helper()
	a := s.ask(method, path, key, body)
	if a.status != status {
		s.Fatalf("%s %s: %d %s, want %d", method, path, a.status, a.text, status)
	}
	return a
}

// deliver sends what Stripe has to say.
func (s *shop) deliver(events ...billingtest.Event) {
	s.Helper()
	if len(events) == 0 {
		events = s.fake.Deliveries()
	}
	if err := s.fake.Deliver(s.Context(), s.url+"/api/webhooks/stripe", events...); err != nil {
		s.Error(err)
	}
}

// does makes something happen at Stripe, which tells the shop.
func (s *shop) does(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
	s.deliver()
}

// checkout begins a purchase and returns its ID and the claim secret.
func (s *shop) checkout(plan string) (session, claim string) {
	s.Helper()
	body := map[string]any{"email": "ada@example.com"}
	if plan != "" {
		body["plan"] = plan
	}
	a := s.want(http.StatusOK, "POST", "/api/checkout", "", body)
	if !strings.HasPrefix(a.str("url"), s.fake.URL()) {
		s.Errorf("the page to pay at is %q", a.str("url"))
	}
	return a.str("sessionId"), a.str("claim")
}

// buy pays for a plan and claims the key.
func (s *shop) buy(plan string) (customer, key, session string) {
	s.Helper()
	session, _ = s.checkout(plan)
	s.does(s.fake.Pay(session))
	a := s.until("the key", func() (answer, bool) {
		a := s.ask("GET", "/api/session/"+session, "", nil)
		return a, a.status == http.StatusOK
	})
	return a.object("customer")["id"].(string), a.str("apiKey"), session
}

// until asks again and again until it is so. What takes more than 5 s is a fault:
// the host promises that to hold everywhere by then.
func (s *shop) until(what string, is func() (answer, bool)) answer {
	s.Helper()
	for end := time.Now().Add(5 * time.Second); ; {
		a, so := is()
		if so {
			return a
		}
		if time.Now().After(end) {
			s.Fatalf("%s doesn't come: the last answer is %d %s", what, a.status, a.text)
		}
		select {
		case <-s.Context().Done():
			s.Fatal(s.Context().Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// enters waits until a request with the key gets the status.
func (s *shop) enters(customer, key string, status int) answer {
	s.Helper()
	return s.until(http.StatusText(status), func() (answer, bool) {
		a := s.ask("GET", "/api/customer/"+customer, key, nil)
		return a, a.status == status
	})
}

// call connects an MCP client and calls the tool.
func (s *shop) call(key string) (text string, isError bool) {
	s.Helper()
	web := &http.Client{Transport: bearer{s.browser.Transport, key}}
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(s.Context(), &sdk.StreamableClientTransport{
		Endpoint: s.url + "/mcp", HTTPClient: web, DisableStandaloneSSE: true,
	}, nil)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	result, err := session.CallTool(s.Context(), &sdk.CallToolParams{Name: "echo", Arguments: map[string]any{"text": "hello"}})
	if err != nil {
		s.Fatal(err)
	}
	said, ok := result.Content[0].(*sdk.TextContent)
	if !ok {
		s.Fatalf("the tool answers with %T", result.Content[0])
	}
	return said.Text, result.IsError
}

// bearer adds a key to requests.
type bearer struct {
	http.RoundTripper
	key string
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.key)
	return b.RoundTripper.RoundTrip(r)
}

// told waits until the events and notices hold these.
func (s *shop) told(kinds ...string) {
	s.Helper()
	missing := func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		all := "\n" + strings.Join(append(append([]string{}, s.events...), s.notices...), "\n") + "\n"
		for _, kind := range kinds {
			if n := strings.Count(all, "\n"+kind+"\n"); n != 1 {
				return errors.New(kind + " is not there once among" + all)
			}
		}
		return nil
	}
	var err error
	s.eventually("what should be told", func() bool { err = missing(); return err == nil }, &err)
}

// eventually waits until it is so. What is done in the background may fail at first,
// and is tried again after 10 s.
func (s *shop) eventually(what string, is func() bool, why ...*error) {
	s.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			for _, err := range why {
				s.Error(*err)
			}
			s.Fatalf("%s doesn't come", what)
		}
	}
}
