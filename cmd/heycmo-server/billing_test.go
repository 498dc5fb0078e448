package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/billingtest"
	"github.com/heycmo/heycmo-go/notify/smtpnotify/smtptest"
)

func TestBillingPlans(t *testing.T) {
	s := newShop(t)
	out, err := s.command("billing", "plans")
	for _, want := range []string{s.pro + " *9900 usd a month", "basic .*4900 usd a month .*tool_calls 100\n", "friend .*- *an admin gives it"} {
		if err != nil || !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("%v: %q is not in\n%s", err, want, out)
		}
	}
	s.fake.AddPrice(billing.Price{ID: "price_year", Currency: "jpy", Amount: 5, Interval: "year", Count: 2})
	s.fake.AddPrice(billing.Price{ID: "price_once", Currency: "usd", Amount: 5})
	s.environ = append(s.environ, "HEYCMO_PLANS="+file(t, `plans: [{id: pro, name: Pro, price: price_year, prices: [price_once, price_gone]}]`))
	out, err = s.command("billing", "plans")
	for _, want := range []string{"price_year *5 jpy every 2 years", "price_once *5 usd once", "price_gone *unknown to Stripe"} {
		if err == nil || !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("%v: %q is not in\n%s", err, want, out)
		}
	}
	out, _, err = command(t, s.environ[len(s.environ)-1:], "billing", "plans")
	if err != nil || !regexp.MustCompile("price_year *not asked").MatchString(out) {
		t.Errorf("without Stripe: %v\n%s", err, out)
	}
}

func TestWebhookEndpointCreate(t *testing.T) {
	s := newShop(t)
	// Whoever has no endpoint yet has no secret either.
	s.environ = append(s.environ[:1], "HEYCMO_STRIPE_KEY="+s.fake.Key(), "HEYCMO_STRIPE_URL="+s.fake.URL())
	if _, err := s.command("billing", "webhook-endpoint", "create"); err == nil || !strings.Contains(err.Error(), "HEYCMO_PUBLIC_URL or --url") {
		t.Errorf("without an address: %v", err)
	}
	s.environ = append(s.environ, "HEYCMO_PUBLIC_URL=https://example.com/ai/")
	out, err := s.command("billing", "webhook-endpoint", "create")
	const url = "https://example.com/ai/api/webhooks/stripe"
	if err != nil || !strings.Contains(out, url) || !regexp.MustCompile(`(?m)^HEYCMO_STRIPE_WEBHOOK_SECRETS=whsec_\w{32}$`).MatchString(out) {
		t.Errorf("%v: %s", err, out)
	}
	if made := s.fake.Endpoints(); len(made) != 1 || made[0].URL != url {
		t.Errorf("Stripe has %+v", made)
	}
	if _, err := s.command("billing", "webhook-endpoint", "create"); err == nil || !strings.Contains(err.Error(), url+" is an endpoint at Stripe already") {
		t.Errorf("a second time: %v", err)
	}
	// The secret is that of the endpoint.
	s.environ = s.environ[:len(s.environ)-1]
	s.server = start(t, s.environ)
	hook := s.server.url + "/api/webhooks/stripe"
	if out, err = s.command("billing", "webhook-endpoint", "create", "--url", hook); err != nil {
		t.Fatal(err)
	}
	if err := s.server.stop(); err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(s.server.url, "http://")
	s.environ = append(s.environ, regexp.MustCompile("HEYCMO_STRIPE_WEBHOOK_SECRETS=.*").FindString(out))
	s.server = start(t, s.environ, "--addr", address)
	event := billingtest.Event{ID: "evt_1", Body: s.fake.Sign(nil, time.Now()).Body}
	if status, err := s.fake.DeliverOne(t.Context(), hook, event); err != nil || status != http.StatusOK {
		t.Errorf("a delivery: %d %v", status, err)
	}
	if _, _, err := command(t, s.environ[:1], "billing", "webhook-endpoint", "create"); err == nil || !strings.Contains(err.Error(), "HEYCMO_STRIPE_KEY is missing") {
		t.Errorf("without a key: %v", err)
	}
}

// A webhook that never came: a dry run tells, a run mends.
func TestReconcile(t *testing.T) {
	t.Parallel()
	mail := smtptest.Start(t, &smtptest.Options{Security: smtptest.NoTLS})
	s := newShop(t, "HEYCMO_SMTP_URL="+mail.URL(), "HEYCMO_MAIL_FROM=hello@example.com")
	s.server = start(t, s.environ)
	ada, bob := s.buy("basic"), s.buy("basic")
	if out, err := s.command("billing", "reconcile"); err != nil || out != "customers that differ: 0\n" {
		t.Errorf("nothing was missed: %v %s", err, out)
	}
	// A server that runs would read it by itself, sooner or later.
	for _, err := range []error{s.server.stop(), s.fake.Cancel(ada.subscription), s.fake.ChangePlan(bob.subscription, s.pro)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	lines := []string{ada.customer + "  entitled → ended  plan basic\n", bob.customer + "  entitled → entitled  plan basic → plan pro\n"}
	expect := func(last string, args ...string) {
		t.Helper()
		out, err := s.command(append([]string{"billing", "reconcile"}, args...)...)
		if err != nil || !strings.Contains(out, lines[0]) || !strings.Contains(out, lines[1]) || !strings.HasSuffix(out, last) {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	expect("customers that differ: 2; nothing was changed\n", "--dry-run")
	if out, err := s.command("customer", "show", ada.customer); err != nil || !strings.Contains(out, `"status":"active"`) {
		t.Errorf("after a dry run: %v %s", err, out)
	}
	expect("customers that differ: 2\n")
	s.server = start(t, s.environ)
	s.enters(ada, http.StatusUnauthorized)
	s.until("the mail that follows", func() string {
		for _, m := range mail.Messages() {
			if strings.Contains(m.Subject, "has ended") {
				return ""
			}
		}
		return fmt.Sprint(mail.Messages())
	})
	if _, body := get(t, s.server.url+"/api/customer/"+bob.customer, bob.key); !strings.Contains(body, `"plan":"pro"`) {
		t.Errorf("bob: %s", body)
	}

	// Who can't be read is named, and stays.
	s.fake.Outage(true)
	out, err := s.command("billing", "reconcile")
	if err == nil || !strings.Contains(err.Error(), "could not be read or stored: 2") || !strings.Contains(out, bob.customer+"  failed: ") {
		t.Errorf("an outage: %v\n%s", err, out)
	}
	if out, _ := s.command("billing", "reconcile", "--json"); !strings.Contains(out, `{"customer":"`+bob.customer+`","error":"`) {
		t.Errorf("an outage as JSON:\n%s", out)
	}
	s.fake.Outage(false)
	s.enters(bob, http.StatusOK)
}

func TestReconcileFuse(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.server = start(t, s.environ)
	var all []buyer
	for range 4 {
		all = append(all, s.buy("basic"))
	}
	if err := s.server.stop(); err != nil { // it would read them by itself, sooner or later
		t.Fatal(err)
	}
	for _, b := range all {
		if err := s.fake.Cancel(b.subscription); err != nil {
			t.Fatal(err)
		}
	}
	out, err := s.command("billing", "reconcile", "--json")
	if err == nil || !strings.Contains(err.Error(), "4 of 5 customers would be shut out") {
		t.Errorf("%v\n%s", err, out)
	}
	for line := range strings.Lines(out) {
		var d struct {
			Customer, Before, After, PlanBefore, PlanAfter string
			Cut                                            bool
		}
		if err := json.Unmarshal([]byte(line), &d); err != nil || d.Before != "entitled" || d.After != "ended" || d.PlanBefore != "basic" || d.PlanAfter != "basic" || !d.Cut {
			t.Errorf("%v: %s", err, line)
		}
	}
	if n := strings.Count(out, "\n"); n != 4 {
		t.Errorf("%d lines:\n%s", n, out)
	}
	for _, b := range all {
		if out, err := s.command("customer", "show", b.customer); err != nil || !strings.Contains(out, `"status":"active"`) {
			t.Errorf("after a run that was stopped: %v %s", err, out)
		}
	}
	if out, err := s.command("billing", "reconcile", "--force"); err != nil || !strings.HasSuffix(out, "customers that differ: 4\n") {
		t.Errorf("forced: %v\n%s", err, out)
	}
	s.server = start(t, s.environ)
	for _, b := range all {
		s.enters(b, http.StatusUnauthorized)
	}
	if _, _, err := command(t, s.environ[:1], "billing", "reconcile"); fmt.Sprint(err) != "HEYCMO_STRIPE_KEY is missing" {
		t.Errorf("without a key: %v", err)
	}
}
