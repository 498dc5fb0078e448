package billing_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing/billingtest"
	"github.com/heycmo/heycmo-go/internal/pgtest"
)

// A process that is killed at any boundary, and started again, loses nothing: the
// buyer gets one key that works, is let in, shut out and told of as if nothing had
// happened.
func TestKilledAtEveryBoundary(t *testing.T) {
	for name, database := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "shop.db") },
		"postgres": func(t *testing.T) string { return pgtest.DSN(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Several at once: most of the time they wait for a lease to end.
			var at, alive atomic.Int64
			var wg sync.WaitGroup
			for range 12 {
				wg.Go(func() {
					for alive.Load() < 3 && !t.Failed() {
						n := at.Add(1)
						t.Run(strconv.FormatInt(n, 10), func(t *testing.T) {
							if survive(t, database(t), n) {
								alive.Add(1)
							}
						})
					}
				})
			}
			wg.Wait()
			t.Logf("%d boundaries", at.Load())
		})
	}
}

// survive buys and cancels at a process that is killed at a boundary, and reports
// whether it never came that far.
func survive(t *testing.T, database string, at int64) (alive bool) {
	fake := billingtest.StartFake(t, nil)
	log := filepath.Join(t.TempDir(), "events")
	o := order{
		Database: database, Stripe: fake.URL(), Key: fake.Key(), Secret: fake.Secret(), Price: fake.Price(), Log: log, KillAt: at,
	}
	s := &shop{T: t, fake: fake, browser: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}}
	defer s.browser.CloseIdleConnections()
	c := startChild(t, o)
	defer func() { c.stop() }()
	// ask asks until there is an answer, of another process if this one is gone.
	ask := func(method, path, key string, body any) answer {
		t.Helper()
		for {
			if c.url != "" {
				if a, err := s.try(c.url, method, path, key, body); err == nil {
					return a
				}
			}
			if o.KillAt == 0 {
				t.Fatalf("%s %s: the second process doesn't answer", method, path)
			}
			<-c.done
			o.KillAt = 0
			c = startChild(t, o)
		}
	}
	tell := func() {
		t.Helper()
		for _, e := range fake.Deliveries() {
			s.until("a 200 for "+e.Type, func() (answer, bool) {
				ask("GET", "/api/health", "", nil)
				status, err := fake.DeliverOne(t.Context(), c.url+"/api/webhooks/stripe", e)
				return answer{status: status}, err == nil && status == http.StatusOK
			})
		}
	}
	does := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		tell()
	}

	// A buyer without an answer tries again.
	bought := ask("POST", "/api/checkout", "", map[string]any{"email": "ada@example.com"})
	if bought.status != http.StatusOK {
		t.Fatalf("the checkout is answered with %d %s", bought.status, bought.text)
	}
	session, claim := bought.str("sessionId"), map[string]any{"claim": bought.str("claim")}
	does(fake.Pay(session))
	wait := func(what string, is func() (answer, bool)) answer {
		t.Helper()
		// A killed process may have left a lease of 15 s, or effects that are taken
		// again after minutes.
		for end := time.Now().Add(90 * time.Second); ; {
			a, so := is()
			if so {
				return a
			}
			if time.Now().After(end) {
				t.Fatalf("%s doesn't come: %d %s", what, a.status, a.text)
			}
			<-time.After(50 * time.Millisecond)
		}
	}
	paid := wait("the key", func() (answer, bool) {
		a := ask("POST", "/api/session/"+session+"/claim", "", claim)
		return a, a.status == http.StatusOK
	})
	key, customer := paid.str("apiKey"), paid.object("customer")["id"].(string)
	if key == "" {
		t.Fatalf("no key: %s", paid.text)
	}
	enters := func(status int) {
		t.Helper()
		wait(http.StatusText(status), func() (answer, bool) {
			a := ask("GET", "/api/customer/"+customer, key, nil)
			return a, a.status == status
		})
	}
	enters(http.StatusOK)
	if keys := ask("GET", "/api/keys/"+customer, key, nil); strings.Count(keys.text, `"lastFour"`) != 1 {
		t.Errorf("there are several keys: %s", keys.text)
	}
	does(fake.Cancel(fake.SubscriptionOf(session)))
	enters(http.StatusUnauthorized)
	wait("the events", func() (answer, bool) {
		ask("GET", "/api/health", "", nil)
		text, _ := os.ReadFile(log)
		ids := map[string]map[string]bool{}
		for line := range strings.Lines(string(text)) {
			kind, id, _ := strings.Cut(strings.TrimSpace(line), " ")
			if ids[kind] == nil {
				ids[kind] = map[string]bool{}
			}
			ids[kind][id] = true
		}
		for _, kind := range []string{"subscription.started", "subscription.ended"} {
			if len(ids[kind]) > 1 {
				t.Fatalf("%s happened %d times", kind, len(ids[kind]))
			}
		}
		return answer{text: string(text)}, len(ids["subscription.started"]) == 1 && len(ids["subscription.ended"]) == 1 && len(ids["key.created"]) >= 1
	})
	return o.KillAt != 0
}
