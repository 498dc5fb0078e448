package heycmo_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/billingtest"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/notify"
	"github.com/heycmo/heycmo-go/storage"
)

// withStripe are options of a host that sells through a fake Stripe.
func withStripe(t *testing.T, fake *billingtest.Fake) *heycmo.Options {
	t.Helper()
	provider, err := stripebilling.New(fake.Key(), &stripebilling.Options{
		BaseURL: fake.URL(), WebhookSecrets: []string{fake.Secret()}, Retries: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &heycmo.Options{
		PublicURL: "https://shop.example/ai",
		Catalog:   &agent.Catalog{},
		Billing: &heycmo.Billing{
			Provider: provider,
			Plans:    []billing.Plan{{ID: "basic", Name: "Basic", Price: fake.Price()}},
		},
	}
}

func TestBillingOptionsThatMakeNoSense(t *testing.T) {
	fake := billingtest.StartFake(t, nil)
	for says, spoil := range map[string]func(*heycmo.Options){
		"Billing.Provider needs PublicURL":              func(o *heycmo.Options) { o.PublicURL = "" },
		"Billing.SuccessURL must be an http":            func(o *heycmo.Options) { o.Billing.SuccessURL = "/thanks?{CHECKOUT_SESSION_ID}" },
		"Billing.SuccessURL must hold {CHECKOUT":        func(o *heycmo.Options) { o.Billing.SuccessURL = "https://shop.example/thanks" },
		"Billing.CancelURL must be an http":             func(o *heycmo.Options) { o.Billing.CancelURL = "ftp://shop.example" },
		"Billing.ManageURL must be an http":             func(o *heycmo.Options) { o.Billing.ManageURL = "javascript:alert(1)" },
		"Billing.ClaimWindow must not be":               func(o *heycmo.Options) { o.Billing.ClaimWindow = -1 },
		`Billing.Plans: billing: plans[0].id: is "BAD"`: func(o *heycmo.Options) { o.Billing.Plans[0].ID = "BAD" },
		"the store has no storage.Billing, which bil":   nil,
		"the store has no storage.Effects, which OnEven": func(o *heycmo.Options) {
			o.Billing, o.OnEvent = nil, func(context.Context, storage.Event) error { return nil }
		},
	} {
		o := withStripe(t, fake)
		store := open(t)
		if spoil != nil {
			spoil(o)
		}
		if strings.HasPrefix(says, "the store") {
			store = struct{ storage.Store }{store}
		}
		if _, err := heycmo.New(store, o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("New says %v, must say %q", err, says)
		}
	}
}

// browse asks for a page of the host, mounted under /ai.
func browse(t *testing.T, h http.Handler, method, path string, form url.Values, header ...string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	http.StripPrefix("/ai", h).ServeHTTP(w, r)
	res := w.Result()
	return res, body(t, res)
}

var keyForm = regexp.MustCompile(`hcmo_live_[0-9a-f]{64}`)

func TestWelcomePage(t *testing.T) {
	fake := billingtest.StartFake(t, nil)
	srv := newServer(t, withStripe(t, fake))
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/checkout", strings.NewReader(`{"email":"ada@example.com"}`))
	r.Header.Set("Content-Type", "application/json")
	srv.ServeHTTP(w, r)
	session := regexp.MustCompile(`"sessionId":"([^"]+)"`).FindStringSubmatch(w.Body.String())
	if session == nil {
		t.Fatalf("no checkout: %s", w.Body)
	}
	page := "/ai/welcome?session=" + session[1]
	form := url.Values{"session": {session[1]}}
	says := func(what, method, path string, form url.Values, status int, words string, header ...string) string {
		t.Helper()
		res, text := browse(t, srv, method, path, form, header...)
		if res.StatusCode != status || !strings.Contains(text, words) {
			t.Errorf("%s: %d %s, must say %q", what, res.StatusCode, text, words)
		}
		if res.StatusCode == http.StatusOK {
			for name, value := range map[string]string{
				"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex", "X-Frame-Options": "DENY", "Content-Type": "text/html; charset=utf-8",
			} {
				if res.Header.Get(name) != value {
					t.Errorf("%s: %s is %q", what, name, res.Header.Get(name))
				}
			}
			_, script, _ := strings.Cut(text, "<script>")
			script, _, _ = strings.Cut(script, "</script>")
			hash := sha256.Sum256([]byte(script))
			if script != "" && !strings.Contains(res.Header.Get("Content-Security-Policy"), "script-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+"'") {
				t.Errorf("%s: the policy forbids the page's own script %q", what, script)
			}
			if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
				t.Errorf("%s: the policy is %q", what, csp)
			}
		}
		if strings.Contains(text, "http://") && strings.Contains(text, "src=") {
			t.Errorf("%s: the page asks other hosts", what)
		}
		return text
	}
	says("nothing", "GET", "/ai/welcome", nil, http.StatusNotFound, "no checkout")
	says("a guess", "GET", "/ai/welcome?session=cs_test_guessed12345", nil, http.StatusNotFound, "no checkout")
	hostile := says("script", "GET", "/ai/welcome?session="+url.QueryEscape(`"><script>alert(1)</script>`), nil, http.StatusNotFound, "no checkout")
	if strings.Contains(hostile, "alert(1)") {
		t.Error("what stands in the address comes back as markup")
	}
	waiting := says("not paid", "GET", page, nil, http.StatusOK, "being confirmed")
	if strings.Contains(waiting, "<script") {
		t.Error("the page asks to come back to an address that its script takes away")
	}
	if !strings.Contains(waiting, `http-equiv="refresh" content="3;url=?session=`+session[1]) {
		t.Error("the page doesn't look again by itself")
	}
	if err := fake.Pay(session[1]); err != nil {
		t.Fatal(err)
	}
	// A reading of Stripe is shared for 2 s.
	for end := time.Now().Add(10 * time.Second); ; <-time.After(50 * time.Millisecond) {
		if _, text := browse(t, srv, "GET", page, nil); strings.Contains(text, "Show my key") || time.Now().After(end) {
			break
		}
	}
	// The link may be opened by scanners; the button is for people.
	for range 2 {
		if text := says("paid", "GET", page, nil, http.StatusOK, "Show my key"); keyForm.MatchString(text) {
			t.Error("opening the page takes the key")
		}
	}
	says("a foreign page", "POST", "/ai/welcome", form, http.StatusForbidden, "Origin", "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
	shown := says("the button", "POST", "/ai/welcome", form, http.StatusOK, "shown this one time", "Sec-Fetch-Site", "same-origin")
	key := keyForm.FindString(shown)
	if key == "" || !strings.Contains(shown, "https://shop.example/ai/mcp") || strings.Contains(shown, session[1]) {
		t.Errorf("the page with the key is %s", shown)
	}
	says("the button again", "POST", "/ai/welcome", form, http.StatusOK, "shown before")
	says("the address again", "GET", page, nil, http.StatusOK, "shown before")
	res, _ := browse(t, srv, "DELETE", "/ai/welcome", nil)
	if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("DELETE: %d %q", res.StatusCode, res.Header.Get("Allow"))
	}
}

func TestNoWelcomeWithoutBilling(t *testing.T) {
	srv := newServer(t, &heycmo.Options{Catalog: &agent.Catalog{}})
	if res := get(t, srv, "/welcome"); res.StatusCode != http.StatusNotFound {
		t.Errorf("the answer is %d", res.StatusCode)
	}
}

// A handler that doesn't look at its context doesn't hold up a stop.
func TestShutdownKeepsToItsTime(t *testing.T) {
	hold, began := make(chan struct{}), make(chan struct{}, 10)
	srv, err := heycmo.New(open(t), &heycmo.Options{OnEvent: func(context.Context, storage.Event) error {
		began <- struct{}{}
		<-hold
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- srv.Run(context.WithoutCancel(t.Context())) }()
	if _, err := srv.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: "ada@example.com"}); err != nil {
		t.Fatal(err)
	}
	<-began
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := srv.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown returned %v", err)
	}
	close(hold)
	if err := <-ran; !errors.Is(err, heycmo.ErrClosed) {
		t.Errorf("Run returned %v", err)
	}
}

// Events reach the embedder at least once, also those of a process that is gone.
func TestOnEvent(t *testing.T) {
	store := open(t)
	before, err := heycmo.New(store, &heycmo.Options{OnEvent: func(context.Context, storage.Event) error { return errors.New("never ran") }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := before.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: "ada@example.com"}); err != nil {
		t.Fatal(err)
	}
	if err := before.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := make(chan storage.Event, 10)
	srv, err := heycmo.New(store, &heycmo.Options{OnEvent: func(_ context.Context, e storage.Event) error {
		got <- e
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	running(t, srv)
	e := <-got
	if e.Type != "customer.provisioned" || e.CustomerID == "" || e.ID == "" || e.CreatedAt.IsZero() || !strings.Contains(string(e.Data), "keyId") {
		t.Errorf("handed out %+v", e)
	}
}

// running runs the background work of a server until the test ends.
func running(t *testing.T, srv *heycmo.Server) {
	t.Helper()
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	wg.Go(func() { _ = srv.Run(ctx) })
	t.Cleanup(func() { stop(); wg.Wait() })
}

// A notice that can't be sent is tried again, and one that never can is given up.
func TestNotices(t *testing.T) {
	fake := billingtest.StartFake(t, nil)
	o := withStripe(t, fake)
	sent := make(chan notify.Notice, 10)
	o.Notifier = notify.Func(func(_ context.Context, n notify.Notice) error {
		sent <- n
		return notify.ErrPermanent
	})
	o.Billing.ManageURL = "https://shop.example/account"
	srv := newServer(t, o)
	running(t, srv)
	p, err := srv.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: "ada@example.com", BrandName: "Engines", Plan: "basic"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := srv.Admin().SetPlan(t.Context(), p.Customer.ID, ""); err != nil {
		t.Fatal(err)
	}
	n := <-sent
	if n.Kind != notify.KindEnded || n.Email != "ada@example.com" || n.BrandName != "Engines" || n.PlanName != "Basic" ||
		n.Product == "" || n.URL != "https://shop.example/account" {
		t.Errorf("the notice is %+v", n)
	}
	if _, err := n.Message(); err != nil {
		t.Errorf("it can't be put into words: %v", err)
	}
}

func TestSetPlanNeedsBilling(t *testing.T) {
	srv := newServer(t, nil)
	p, err := srv.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := srv.Admin().SetPlan(t.Context(), p.Customer.ID, "basic"); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("SetPlan says %v", err)
	}
	if err := srv.Admin().Reconcile(t.Context(), heycmo.Reconciliation{}); err == nil {
		t.Error("Reconcile without a provider says nothing")
	}
}

// Guessing at the page is limited as everywhere.
func TestWelcomePageIsLimited(t *testing.T) {
	o := withStripe(t, billingtest.StartFake(t, nil))
	o.Limits.REST = 1
	srv := newServer(t, o)
	for _, want := range []int{http.StatusNotFound, http.StatusTooManyRequests} {
		if res, _ := browse(t, srv, "GET", "/ai/welcome?session=cs_test_guessed12345", nil); res.StatusCode != want {
			t.Errorf("answered with %d, want %d", res.StatusCode, want)
		}
	}
}
