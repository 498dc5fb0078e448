package billing_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/heycmo"
)

// From a visit to the end: visit, checkout, pay, webhook, claim, key, MCP call,
// quota, upgrade, a renewal that fails, grace, cut, paid, restored, cancelled.
func TestJourney(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		const grace = 3 * time.Second
		s := newShop(t, open(t), func(o *heycmo.Options) { o.Billing.Policy.Grace = grace })

		// A visit.
		plans := s.want(http.StatusOK, "GET", "/api/plans", "", nil)
		if !strings.Contains(plans.text, `"amount":9900`) || !strings.Contains(plans.text, `"tool_calls":1000`) {
			t.Errorf("the plans are %s", plans.text)
		}

		// A checkout, which nobody has paid yet.
		session, claim := s.checkout("basic")
		if claim == "" {
			t.Error("the checkout has no claim secret")
		}
		waiting := s.want(http.StatusAccepted, "GET", "/api/session/"+session, "", nil)
		customer, _ := waiting.object("customer")["id"].(string)
		if waiting.object("customer")["status"] != "pending" || waiting.header.Get("Retry-After") != "2" {
			t.Errorf("while nothing is paid: %s", waiting.text)
		}
		page := s.want(http.StatusOK, "GET", "/welcome?session="+session, "", nil)
		if !strings.Contains(page.text, "being confirmed") {
			t.Errorf("the page says %s", page.text)
		}

		// Paid, told, claimed.
		s.does(s.fake.Pay(session))
		s.until("the button", func() (answer, bool) {
			a := s.ask("GET", "/welcome?session="+session, "", nil)
			return a, strings.Contains(a.text, "Show my key")
		})
		first := s.want(http.StatusOK, "POST", "/api/session/"+session+"/claim", "", nil)
		key := first.str("apiKey")
		if key == "" || first.object("customer")["id"] != customer || first.object("customer")["status"] != "active" {
			t.Fatalf("the claim is answered with %s", first.text)
		}
		s.told("subscription.started", "key.created", "key_issued ada@example.com")

		// Work, until the quota is used up.
		for range 3 {
			if text, failed := s.call(key); failed || !strings.Contains(text, "hello") {
				t.Fatalf("the tool says %q", text)
			}
		}
		later := s.want(http.StatusOK, "GET", "/api/session/"+session, "", nil)
		if later.str("apiKey") != "" || later.fields["keyIssued"] != true || strings.Contains(later.text, "@") {
			t.Errorf("asked again: %s", later.text)
		}
		if text, refused := s.call(key); !refused || !strings.Contains(text, "3 of 3 tool calls") ||
			!strings.Contains(text, "https://example.com/billing") {
			t.Errorf("the fourth call of three says %q", text)
		}
		usage := s.want(http.StatusOK, "GET", "/api/usage/"+customer, key, nil)
		if !strings.Contains(usage.text, `"limit":3,"metric":"tool_calls"`) || !strings.Contains(usage.text, `"used":3`) {
			t.Errorf("the usage is %s", usage.text)
		}

		// An upgrade, in the portal.
		portal := s.want(http.StatusOK, "POST", "/api/billing/"+customer+"/portal", key, nil)
		if page := s.askAt(portal.str("url"), "GET", "", "", nil); page.status != http.StatusOK || !strings.Contains(page.text, "Fake portal") {
			t.Errorf("the portal at %q: %d %s", portal.str("url"), page.status, page.text)
		}
		sub := s.fake.SubscriptionOf(session)
		s.does(s.fake.ChangePlan(sub, s.pro))
		s.until("the larger plan", func() (answer, bool) {
			a := s.ask("GET", "/api/customer/"+customer, key, nil)
			return a, a.str("plan") == "pro"
		})
		s.until("a call within the larger quota", func() (answer, bool) {
			text, failed := s.call(key)
			return answer{text: text}, !failed
		})
		s.told("plan.changed")

		// A renewal fails: a grace, then out.
		s.does(s.fake.FailRenewal(sub))
		failed := time.Now()
		s.until("past due", func() (answer, bool) {
			a := s.ask("GET", "/api/customer/"+customer, key, nil)
			return a, a.object("subscription")["status"] == "past_due"
		})
		s.told("payment.failed", "payment_failed ada@example.com")
		s.until("the end of the grace", func() (answer, bool) {
			a := s.ask("GET", "/api/customer/"+customer, key, nil)
			return a, a.status == http.StatusUnauthorized
		})
		if after := time.Since(failed); after < grace-time.Second {
			t.Errorf("the grace of %v ended after %v", grace, after)
		}
		s.told("subscription.suspended", "suspended ada@example.com")

		// They can still pay, and the same key works again.
		s.want(http.StatusOK, "POST", "/api/billing/"+customer+"/portal", key, nil)
		s.want(http.StatusConflict, "POST", "/api/billing/"+customer+"/checkout", key, nil)
		s.does(s.fake.Recover(sub))
		s.enters(customer, key, http.StatusOK)
		s.told("subscription.resumed", "resumed ada@example.com")

		// Cancelled, at the end of the period and then at once.
		s.does(s.fake.CancelAtPeriodEnd(sub, true))
		s.until("the planned end", func() (answer, bool) {
			a := s.ask("GET", "/api/customer/"+customer, key, nil)
			return a, a.object("subscription")["cancelAtPeriodEnd"] == true
		})
		s.told("cancellation.planned", "cancel_planned ada@example.com")
		s.does(s.fake.Cancel(sub))
		s.enters(customer, key, http.StatusUnauthorized)
		s.told("subscription.ended", "ended ada@example.com")

		// Back again: the same account, the same key.
		again := s.want(http.StatusOK, "POST", "/api/billing/"+customer+"/checkout", key, map[string]any{"plan": "basic"})
		if again.str("claim") != "" {
			t.Error("a customer who has keys is offered another claim")
		}
		second := again.str("sessionId")
		s.want(http.StatusAccepted, "GET", "/api/session/"+second, "", nil)
		s.does(s.fake.Pay(second))
		s.enters(customer, key, http.StatusOK)
		done := s.want(http.StatusOK, "GET", "/api/session/"+second, "", nil)
		if done.str("apiKey") != "" || done.fields["keyIssued"] != true {
			t.Errorf("the second checkout is answered with %s", done.text)
		}
	})
}
