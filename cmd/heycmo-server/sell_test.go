package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/billingtest"
	"github.com/heycmo/heycmo-go/notify/smtpnotify/smtptest"
)

// shop is a fake Stripe, and the environment of a server that sells by it.
type shop struct {
	*testing.T
	fake    *billingtest.Fake
	pro     string // price
	environ []string
	server  *server // when it was started
}

func newShop(t *testing.T, environ ...string) *shop {
	t.Helper()
	s := &shop{T: t, fake: billingtest.StartFake(t, nil)}
	s.pro = s.fake.AddPrice(billing.Price{Currency: "usd", Amount: 9900, Interval: "month", Count: 1})
	s.environ = append(database(t),
		"HEYCMO_STRIPE_KEY="+s.fake.Key(), "HEYCMO_STRIPE_WEBHOOK_SECRETS=whsec_of-before,"+s.fake.Secret(), "HEYCMO_STRIPE_URL="+s.fake.URL(),
		"HEYCMO_PLANS="+file(t, fmt.Sprintf(`plans:
  - {id: basic, name: Basic, price: %s, quotas: {tool_calls: 100}}
  - {id: pro, name: Pro, price: %s}
  - {id: friend, name: Friend}
`, s.fake.Price(), s.pro)),
		"HEYCMO_LIMIT_CHECKOUT=-1", "HEYCMO_LIMIT_REST=-1", "HEYCMO_LOG_LEVEL=error")
	s.environ = append(s.environ, environ...)
	return s
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plans.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// command runs a command beside the server.
func (s *shop) command(args ...string) (out string, err error) {
	s.Helper()
	out, errOut, err := command(s.T, s.environ, args...)
	for _, secret := range []string{s.fake.Key(), s.fake.Secret()} {
		if strings.Contains(out+errOut+fmt.Sprint(err), secret) {
			s.Errorf("%v shows a secret:\n%s%s%v", args, out, errOut, err)
		}
	}
	return out, err
}

// does makes something happen at Stripe, which tells the server.
func (s *shop) does(err error) {
	s.Helper()
	if err == nil {
		err = s.fake.Deliver(s.Context(), s.server.url+"/api/webhooks/stripe", s.fake.Deliveries()...)
	}
	if err != nil {
		s.Fatal(err)
	}
}

// buyer is somebody who has paid.
type buyer struct{ session, subscription, customer, key string }

func (s *shop) checkout(plan string) (session string) {
	s.Helper()
	res, err := http.Post(s.server.url+"/api/checkout", "application/json",
		strings.NewReader(fmt.Sprintf(`{"email":"ada@example.com","plan":%q}`, plan)))
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct{ URL, SessionID string }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || !strings.HasPrefix(answer.URL, s.fake.URL()) {
		s.Fatalf("checkout: %d %v %+v", res.StatusCode, err, answer)
	}
	return answer.SessionID
}

// buy pays for a plan and claims the key.
func (s *shop) buy(plan string) buyer {
	s.Helper()
	b := buyer{session: s.checkout(plan)}
	s.does(s.fake.Pay(b.session))
	b.subscription = s.fake.SubscriptionOf(b.session)
	var answer struct {
		Customer struct{ ID string }
		APIKey   string
	}
	s.until("the key", func() string {
		_, body := get(s.T, s.server.url+"/api/session/"+b.session, "")
		if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.APIKey == "" {
			return body
		}
		return ""
	})
	b.customer, b.key = answer.Customer.ID, answer.APIKey
	return b
}

// until waits until is returns nothing, or 10 s.
func (s *shop) until(what string, is func() string) {
	s.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got := is()
		if got == "" {
			return
		}
		if time.Now().After(end) {
			s.Fatalf("%s doesn't come: %s", what, got)
		}
	}
}

// enters waits until the buyer's request gets the status.
func (s *shop) enters(b buyer, status int) {
	s.Helper()
	s.until(http.StatusText(status), func() string {
		if got, body := get(s.T, s.server.url+"/api/customer/"+b.customer, b.key); got != status {
			return fmt.Sprint(got, body)
		}
		return ""
	})
}

func TestSell(t *testing.T) {
	t.Parallel()
	mail := smtptest.Start(t, &smtptest.Options{Security: smtptest.NoTLS})
	s := newShop(t, "HEYCMO_SMTP_URL="+mail.URL(), "HEYCMO_MAIL_FROM=HeyCMO <hello@example.com>",
		"HEYCMO_MAIL_REPLY_TO=help@example.com", "HEYCMO_MANAGE_URL=https://example.com/manage", "HEYCMO_GRACE=2s")
	s.server = start(t, s.environ)

	// Buyers return to the listener, since there is no other address.
	session := s.checkout("")
	res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).
		Post(s.fake.URL()+"/pay/"+session, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if got := res.Header.Get("Location"); got != s.server.url+"/welcome?session="+session {
		t.Errorf("a buyer returns to %q", got)
	}
	if status, page := get(t, res.Header.Get("Location"), ""); status != http.StatusOK || !strings.Contains(page, "Show my key") {
		t.Errorf("there: %d %s", status, page)
	}

	ada := s.buy("pro")
	s.enters(ada, http.StatusOK)
	out, err := s.command("customer", "show", ada.customer)
	for _, want := range []string{`"plan":"pro"`, `"state":"entitled"`, `"status":"active"`, ada.subscription, s.fake.CustomerOf(ada.session)} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("customer show lacks %s: %v %s", want, err, out)
		}
	}

	// A renewal fails: a mail, the grace, the end, and another mail.
	s.does(s.fake.FailRenewal(ada.subscription))
	told := func(subject string) {
		t.Helper()
		s.until(subject, func() string {
			for _, m := range mail.Messages() {
				if strings.Contains(m.Subject, subject) && slices.Equal(m.To, []string{"ada@example.com"}) && m.From == "hello@example.com" &&
					strings.Contains(m.Header.Get("Reply-To"), "help@example.com") && strings.Contains(m.Text, "https://example.com/manage") {
					return ""
				}
			}
			return fmt.Sprint(mail.Messages())
		})
	}
	told("didn't go through")
	s.enters(ada, http.StatusUnauthorized)
	told("paused")
	s.does(s.fake.Recover(ada.subscription))
	s.enters(ada, http.StatusOK)
}

// Only the browser in which the checkout began may claim, if that is set; and no
// grace is none, not the default.
func TestSellStrictly(t *testing.T) {
	t.Parallel()
	s := newShop(t, "HEYCMO_CLAIM_REQUIRED=true", "HEYCMO_GRACE=0s", "HEYCMO_PROMOTION_CODES=true")
	s.server = start(t, s.environ)
	s.fake.AddPromotionCode("FREE", 100)
	session := s.checkout("basic")
	s.does(s.fake.PayWith(session, "FREE"))
	s.until("the refusal", func() string {
		status, body := get(t, s.server.url+"/api/session/"+session, "")
		if status != http.StatusForbidden {
			return body
		}
		return ""
	})
	// The commands beside it see the same plans.
	out, err := s.command("customer", "create", "--email", "bob@example.com", "--plan", "friend", "--json")
	var bob struct {
		Customer struct{ ID string }
		APIKey   string
	}
	if err != nil || json.Unmarshal([]byte(out), &bob) != nil {
		t.Fatalf("%v %s", err, out)
	}
	if _, err := s.command("customer", "create", "--email", "bob@example.com", "--plan", "other"); err == nil || !strings.Contains(err.Error(), "basic, pro, friend") {
		t.Errorf("a plan that there isn't: %v", err)
	}
	b := buyer{customer: bob.Customer.ID, key: bob.APIKey}
	s.enters(b, http.StatusOK)
	for _, c := range []struct{ plan, want string }{{"basic", "is onboarding, with plan basic"}, {"", "is inactive\n"}, {"pro", "is onboarding, with plan pro"}} {
		args := []string{"customer", "plan", b.customer}
		if c.plan != "" {
			args = append(args, c.plan)
		}
		out, err := s.command(args...)
		if err != nil || !strings.Contains(out, c.want) {
			t.Errorf("customer plan %s: %v %s", c.plan, err, out)
		}
		want := http.StatusOK
		if c.plan == "" {
			want = http.StatusUnauthorized
		}
		s.enters(b, want)
	}
	if out, err := s.command("customer", "show", b.customer); err != nil || !strings.Contains(out, `"granted":true`) {
		t.Errorf("%v %s", err, out)
	}
	if out, _, err := command(t, s.environ[:1], "customer", "show", b.customer); err != nil || strings.Contains(out, `"billing"`) {
		t.Errorf("without billing: %v %s", err, out)
	}
	if _, _, err := command(t, s.environ[:1], "customer", "plan", b.customer, "pro"); err == nil {
		t.Error("a plan is given without billing")
	}
	// No grace.
	s.environ = append(s.environ, "HEYCMO_CLAIM_REQUIRED=false")
	if err := s.server.stop(); err != nil {
		t.Fatal(err)
	}
	s.server = start(t, s.environ)
	ada := s.buy("basic")
	s.enters(ada, http.StatusOK)
	s.does(s.fake.FailRenewal(ada.subscription))
	s.enters(ada, http.StatusUnauthorized)
}

// What is wrong by itself is refused everywhere, half of something in production
// only: each error begins with the setting to change, and repeats no secret.
func TestHalfConfigurations(t *testing.T) {
	const key, secrets = "HEYCMO_STRIPE_KEY=sk_live_hunter2hunter2", "HEYCMO_STRIPE_WEBHOOK_SECRETS=whsec_hunter2"
	const smtp, from, public = "HEYCMO_SMTP_URL=smtp://ada:hunter2@mail.example.com", "HEYCMO_MAIL_FROM=hello@example.com", "HEYCMO_PUBLIC_URL=https://example.com"
	plans := "HEYCMO_PLANS=" + file(t, "plans: [{id: pro, name: Pro, price: price_1}]")
	gifts := "HEYCMO_PLANS=" + file(t, "plans: [{id: pro, name: Pro}]")
	for name, c := range map[string]struct {
		environ []string
		want    string // the settings that production's errors begin with
		always  bool   // they are errors in development too
	}{
		"whole":               {[]string{key, secrets, plans, public, smtp, from}, "", true},
		"a key alone":         {[]string{key}, "HEYCMO_STRIPE_WEBHOOK_SECRETS HEYCMO_PLANS HEYCMO_PUBLIC_URL", false},
		"no secrets":          {[]string{key, plans, public}, "HEYCMO_STRIPE_WEBHOOK_SECRETS", false},
		"nothing to buy":      {[]string{key, secrets, gifts, public}, "HEYCMO_PLANS", false},
		"no address":          {[]string{key, secrets, plans}, "HEYCMO_PUBLIC_URL", false},
		"secrets without key": {[]string{secrets, plans, public}, "HEYCMO_STRIPE_KEY", false},
		"a fake alone":        {[]string{"HEYCMO_STRIPE_URL=http://127.0.0.1:4242"}, "HEYCMO_STRIPE_URL", false},
		"a sender alone":      {[]string{from}, "HEYCMO_SMTP_URL", false},
		"answers alone":       {[]string{"HEYCMO_MAIL_REPLY_TO=a@example.com"}, "HEYCMO_SMTP_URL", false},
		"no sender":           {[]string{smtp}, "HEYCMO_MAIL_FROM", true},
		"a publishable key":   {[]string{"HEYCMO_STRIPE_KEY=pk_live_hunter2hunter2", secrets, plans, public}, "HEYCMO_STRIPE_KEY", true},
		"a short secret":      {[]string{key, "HEYCMO_STRIPE_WEBHOOK_SECRETS=whsec_hunter2, whsec_hunter2", plans, public}, "HEYCMO_STRIPE_WEBHOOK_SECRETS", true},
		"an odd fake":         {[]string{key, secrets, plans, public, "HEYCMO_STRIPE_URL=hunter2"}, "HEYCMO_STRIPE_URL HEYCMO_STRIPE_URL", true},
		"an odd mail server":  {[]string{"HEYCMO_SMTP_URL=hunter2", from}, "HEYCMO_SMTP_URL", true},
		"an odd sender":       {[]string{smtp, "HEYCMO_MAIL_FROM=me"}, "HEYCMO_MAIL_FROM", true},
		"odd answers":         {[]string{smtp, from, "HEYCMO_MAIL_REPLY_TO=me"}, "HEYCMO_MAIL_REPLY_TO", true},
		"meters":              {[]string{key, secrets, plans, public, "HEYCMO_METERS=tool_calls=calls,images=img"}, "", true},
		"meters alone":        {[]string{"HEYCMO_METERS=tool_calls=calls"}, "HEYCMO_STRIPE_KEY", false},
		"an odd meter":        {[]string{key, secrets, plans, public, "HEYCMO_METERS=tool_calls"}, "HEYCMO_METERS", true},
		"a meter twice":       {[]string{key, secrets, plans, public, "HEYCMO_METERS=a=b,a=c"}, "HEYCMO_METERS", true},
		"a negative grace":    {[]string{"HEYCMO_GRACE=-1h"}, "HEYCMO_GRACE", true},
	} {
		for _, production := range []bool{true, false} {
			environ, want := c.environ, c.want
			if production {
				environ = append([]string{"HEYCMO_ENV=production", "HEYCMO_SECRET_KEYS=" + secretForTests}, environ...)
			} else if want = strings.ReplaceAll(want, "HEYCMO_STRIPE_URL HEYCMO_STRIPE_URL", "HEYCMO_STRIPE_URL"); !c.always {
				want = ""
			}
			_, errOut, err := command(t, environ, "config")
			var got []string
			if err != nil {
				for line := range strings.SplitSeq(err.Error(), "\n") {
					setting, _, _ := strings.Cut(line, " ")
					got = append(got, setting)
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s, production %v: %v, want %s", name, production, err, want)
			}
			if strings.Contains(fmt.Sprint(err, errOut), "hunter2") {
				t.Errorf("%s: a secret is shown: %v %s", name, err, errOut)
			}
		}
	}
	// The fake is for development.
	_, _, err := command(t, []string{"HEYCMO_ENV=production", key, secrets, plans, public, "HEYCMO_STRIPE_URL=http://127.0.0.1:4242"}, "config")
	if !strings.Contains(fmt.Sprint(err), "HEYCMO_STRIPE_URL must not be set in production") {
		t.Errorf("a fake in production: %v", err)
	}
	// In development a server with half of it starts, and warns.
	_, errOut, err := command(t, append(database(t), key, "HEYCMO_ADDR=nowhere:x"))
	if !strings.HasPrefix(fmt.Sprint(err), "HEYCMO_ADDR") {
		t.Errorf("half in development: %v", err)
	}
	for _, want := range []string{"WARN", "HEYCMO_STRIPE_WEBHOOK_SECRETS is missing", "HEYCMO_PLANS must"} {
		if !strings.Contains(errOut, want) {
			t.Errorf("the log lacks %q:\n%s", want, errOut)
		}
	}
}

// Plans without Stripe are whole: admins give them.
func TestPlansWithoutStripe(t *testing.T) {
	environ := append(database(t), "HEYCMO_PLANS="+file(t, "plans: [{id: friend, name: Friend}]"),
		"HEYCMO_ENV=production", "HEYCMO_SECRET_KEYS="+secretForTests)
	s := start(t, environ)
	if status, body := get(t, s.url+"/api/plans", ""); status != http.StatusOK || !strings.Contains(body, "Friend") {
		t.Errorf("%d %s", status, body)
	}
	if out, _, err := command(t, environ, "customer", "create", "--email", "ada@example.com", "--plan", "friend"); err != nil {
		t.Errorf("%v %s", err, out)
	}
	if status, body := get(t, start(t, database(t)).url+"/api/plans", ""); status != http.StatusNotImplemented {
		t.Errorf("without settings: %d %s", status, body)
	}
}
