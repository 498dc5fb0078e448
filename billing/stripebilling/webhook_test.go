package stripebilling_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/billingtest"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
)

func verifier(t testing.TB, secrets ...string) *stripebilling.Provider {
	t.Helper()
	p, err := stripebilling.New(testKey, &stripebilling.Options{WebhookSecrets: secrets})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// mac is a signature, in the scheme of the Stripe page.
func mac(stamp, body, secret string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(stamp + "." + body))
	return hex.EncodeToString(m.Sum(nil))
}

const goodBody = `{"id":"evt_0123456789","object":"event","type":"customer.subscription.updated","created":1768473000,"livemode":true,` +
	`"data":{"object":{"id":"sub_0123456789","object":"subscription","customer":"cus_0123456789"}}}`

func TestSignatures(t *testing.T) {
	now := time.Unix(1768473000, 0)
	const stamp = "1768473000"
	good := mac(stamp, goodBody, testSecret)
	other := mac(stamp, goodBody, "whsec_other0123456789")
	stamped := func(d time.Duration) string {
		s := fmt.Sprint(now.Add(d).Unix())
		return "t=" + s + ",v1=" + mac(s, goodBody, testSecret)
	}
	for _, test := range []struct {
		name, header string
		ok           bool
	}{
		{"good", "t=" + stamp + ",v1=" + good, true},
		{"with the scheme of test events", "t=" + stamp + ",v1=" + good + ",v0=" + other, true},
		{"other order", "v1=" + good + ",t=" + stamp, true},
		{"the second signature", "t=" + stamp + ",v1=" + other + ",v1=" + good, true},
		{"after a broken one", "t=" + stamp + ",v1=xyz,v1=" + good, true},
		{"unknown parts", "t=" + stamp + ",v2=abc,x=,v1=" + good, true},
		{"5 minutes old", stamped(-5 * time.Minute), true},
		{"5 minutes ahead", stamped(5 * time.Minute), true},
		{"301 s old", stamped(-301 * time.Second), false},
		{"301 s ahead", stamped(301 * time.Second), false},
		{"ten years ahead", stamped(87600 * time.Hour), false},
		{"before 1970", "t=-1,v1=" + mac("-1", goodBody, testSecret), false},
		{"far beyond", "t=9223372036854775807,v1=" + mac("9223372036854775807", goodBody, testSecret), false},
		{"999999999999", "t=999999999999,v1=" + mac("999999999999", goodBody, testSecret), false},
		{"plus", "t=+" + stamp + ",v1=" + mac("+"+stamp, goodBody, testSecret), false},
		{"zeros in front", "t=0" + stamp + ",v1=" + good, false}, // signed as it is written
		{"two times", "t=" + stamp + ",t=" + stamp + ",v1=" + good, false},
		{"a good and a late time", "t=1,t=" + stamp + ",v1=" + good, false},
		{"no time", "v1=" + mac("", goodBody, testSecret), false},
		{"empty time", "t=,v1=" + mac("", goodBody, testSecret), false},
		{"no signature", "t=" + stamp, false},
		{"other secret", "t=" + stamp + ",v1=" + other, false},
		{"empty secret", "t=" + stamp + ",v1=" + mac(stamp, goodBody, ""), false},
		{"only v0", "t=" + stamp + ",v0=" + good, false},
		{"half a signature", "t=" + stamp + ",v1=" + good[:32], false},
		{"empty signature", "t=" + stamp + ",v1=", false},
		{"of another body", "t=" + stamp + ",v1=" + mac(stamp, goodBody+" ", testSecret), false},
		{"without the dot", "t=" + stamp + ",v1=" + mac(stamp[:9], goodBody, testSecret), false},
		{"part without value", "t=" + stamp + ",v1=" + good + ",x", false},
		{"space", "t=" + stamp + ", v1=" + good, false},
		{"16 KiB", "t=" + stamp + ",v1=" + good + strings.Repeat(",v1="+other, 239), true},
		{"more", "t=" + stamp + ",v1=" + good + strings.Repeat(",v1="+other, 250), false},
		{"empty", "", false},
		{"garbage", "\x00\xff=,=,=", false},
	} {
		d := billing.Delivery{Body: []byte(goodBody), Header: http.Header{"Stripe-Signature": {test.header}}, At: now}
		n, err := verifier(t, "whsec_before0123456789", testSecret).Verify(d)
		if test.ok {
			want := billing.Notice{
				ID: "evt_0123456789", Type: "customer.subscription.updated", Created: now.UTC(), Live: true, Kind: billing.KindChanged,
				Ref: billing.Ref{Subscription: "sub_0123456789", Customer: "cus_0123456789"},
			}
			if err != nil || n != want {
				t.Errorf("%s: %+v, %v", test.name, n, err)
			}
		} else if err != billing.ErrSignature { //nolint:errorlint // this very error, with nothing around it
			t.Errorf("%s: %+v, %v, want ErrSignature alone", test.name, n, err)
		}
		if _, err := verifier(t).Verify(d); !errors.Is(err, billing.ErrSignature) {
			t.Errorf("%s, without secrets: %v", test.name, err)
		}
		// The library takes what we take, apart from the time, which it compares with the clock.
		if lib := webhook.ValidatePayloadIgnoringTolerance([]byte(goodBody), test.header, testSecret); test.ok && lib != nil {
			t.Errorf("%s: the library refuses it: %v", test.name, lib)
		}
	}
	two := billing.Delivery{Body: []byte(goodBody), Header: http.Header{"Stripe-Signature": {"t=" + stamp + ",v1=" + good, "t=1,v1=" + good}}, At: now}
	if _, err := verifier(t, testSecret).Verify(two); !errors.Is(err, billing.ErrSignature) {
		t.Errorf("two headers: %v", err)
	}
	// The tolerance is an option.
	p, err := stripebilling.New(testKey, &stripebilling.Options{WebhookSecrets: []string{testSecret}, Tolerance: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Verify(billing.Delivery{Body: []byte(goodBody), Header: http.Header{"Stripe-Signature": {stamped(-61 * time.Second)}}, At: now}); !errors.Is(err, billing.ErrSignature) {
		t.Errorf("beyond a tolerance of a minute: %v", err)
	}
}

func TestHugeDeliveries(t *testing.T) {
	fake := billingtest.NewFake(&billingtest.FakeOptions{Secret: testSecret})
	p, now := verifier(t, testSecret), time.Now()
	fill := func(n int) []byte {
		return []byte(`{"id":"evt_1","type":"customer.updated","x":"` + strings.Repeat("x", n) + `"}`)
	}
	if _, err := p.Verify(fake.Sign(fill(200<<10), now)); err != nil {
		t.Errorf("200 KiB: %v", err)
	}
	if _, err := p.Verify(fake.Sign(fill(1<<20), now)); !errors.Is(err, billing.ErrSignature) {
		t.Errorf("more than 1 MiB: %v", err)
	}
}

// TestEvents: what an event is about, whatever its shape.
func TestEvents(t *testing.T) {
	const sub, cus, ses = "sub_0123456789", "cus_0123456789", "cs_test_0123456789"
	event := func(kind, object string) string {
		return `{"id":"evt_1","type":"` + kind + `","data":{"object":` + object + `}}`
	}
	for _, test := range []struct {
		name, body string
		kind       billing.Kind
		ref        billing.Ref
	}{
		{"session", event("checkout.session.completed", `{"object":"checkout.session","id":"`+ses+`","customer":"`+cus+`","subscription":"`+sub+`"}`), billing.KindChanged, billing.Ref{Session: ses, Subscription: sub, Customer: cus}},
		{"open session", event("checkout.session.expired", `{"object":"checkout.session","id":"`+ses+`","customer":null,"subscription":null}`), billing.KindChanged, billing.Ref{Session: ses}},
		{"invoice", event("invoice.payment_failed", `{"object":"invoice","id":"in_1","customer":"`+cus+`","subscription":"`+sub+`"}`), billing.KindPaymentFailed, billing.Ref{Subscription: sub, Customer: cus}},
		{"expanded", event("invoice.paid", `{"object":"invoice","customer":{"id":"`+cus+`"},"subscription":{"id":"`+sub+`"}}`), billing.KindChanged, billing.Ref{Subscription: sub, Customer: cus}},
		{"basil", event("invoice.paid", `{"object":"invoice","customer":"`+cus+`","parent":{"subscription_details":{"subscription":"`+sub+`"}}}`), billing.KindChanged, billing.Ref{Subscription: sub, Customer: cus}},
		{"customer", event("customer.deleted", `{"object":"customer","id":"`+cus+`"}`), billing.KindChanged, billing.Ref{Customer: cus}},
		{"charge", event("charge.refunded", `{"object":"charge","id":"ch_1","customer":"`+cus+`"}`), billing.KindChanged, billing.Ref{Customer: cus}},
		{"dispute", event("charge.dispute.created", `{"object":"dispute","charge":"ch_1"}`), billing.KindDispute, billing.Ref{}},
		{"dispute, expanded", event("charge.dispute.created", `{"object":"dispute","charge":{"customer":"`+cus+`"}}`), billing.KindDispute, billing.Ref{Customer: cus}},
		{"request as text", `{"id":"evt_1","type":"customer.updated","request":"req_1","created":"soon","livemode":"true","data":{"object":{"object":"customer","id":"` + cus + `"}}}`, billing.KindChanged, billing.Ref{Customer: cus}},
		{"thin", `{"id":"evt_1","object":"v2.core.event","type":"v1.customer.updated","created":"2026-01-15T10:30:00.000Z","related_object":{"id":"` + cus + `","type":"customer"}}`, billing.KindChanged, billing.Ref{Customer: cus}},
		{"thin meter error", `{"id":"evt_1","object":"v2.core.event","type":"v1.billing.meter.error_report_triggered","related_object":{"id":"mtr_1","type":"billing.meter"}}`, billing.KindIgnored, billing.Ref{}},
		{"unknown type", event("plan.created", `{"object":"plan","id":"a","customer":"`+cus+`"}`), billing.KindIgnored, billing.Ref{}},
		{"of a connected account", `{"id":"evt_1","type":"customer.updated","account":"acct_1","data":{"object":{"object":"customer","id":"` + cus + `"}}}`, billing.KindIgnored, billing.Ref{}},
		{"no data", `{"id":"evt_1","type":"customer.updated"}`, billing.KindChanged, billing.Ref{}},
		{"null data", `{"id":"evt_1","type":"customer.updated","data":null}`, billing.KindChanged, billing.Ref{}},
		{"null object", event("customer.updated", "null"), billing.KindChanged, billing.Ref{}},
		{"a list as object", event("customer.updated", "[1]"), billing.KindChanged, billing.Ref{}},
		{"mistyped IDs", event("customer.subscription.updated", `{"object":"subscription","id":7,"customer":["`+cus+`"]}`), billing.KindChanged, billing.Ref{}},
		{"IDs that are paths", event("customer.subscription.updated", `{"object":"subscription","id":"sub_0123456789/../x","customer":"../../v1"}`), billing.KindChanged, billing.Ref{}},
		{"upper case", `{"ID":"evt_2","id":"evt_1","TYPE":"a","type":"customer.updated"}`, billing.KindChanged, billing.Ref{}},
	} {
		n, err := stripebilling.ParseEvent([]byte(test.body))
		if err != nil || n.ID != "evt_1" || n.Kind != test.kind || n.Ref != test.ref {
			t.Errorf("%s: %+v, %v", test.name, n, err)
		}
	}
}

// TestVariants sends what a Fake tells in other shapes: all are about the same.
func TestVariants(t *testing.T) {
	fake := billingtest.StartFake(t, nil)
	p := open(t, fake, stripebilling.Options{})
	r := request()
	r.Price = fake.Price()
	c, err := p.Checkout(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(fake.Pay(c.ID), fake.FailRenewal(fake.SubscriptionOf(c.ID))); err != nil {
		t.Fatal(err)
	}
	known := 0
	for _, e := range fake.Events() {
		want, err := p.Verify(fake.Sign(e.Body, time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		if want.Kind == billing.KindIgnored {
			continue
		}
		known++
		for _, v := range []billingtest.Event{e.InVersion("2026-08-26.dahlia"), e.OldRequest(), e.Thin()} {
			got, err := p.Verify(fake.Sign(v.Body, time.Now()))
			if strings.HasPrefix(v.Type, "v1.") {
				// A thin event names its own object only; ours are not fetched from it.
				if e.Type == "checkout.session.completed" && got.Ref.Session != c.ID {
					t.Errorf("%s: %+v", v.Type, got)
				}
				got.Ref, got.Type = want.Ref, want.Type
			}
			if err != nil || got != want {
				t.Errorf("%s: %+v, %v, want %+v", v.Body, got, err, want)
			}
		}
	}
	if known < 4 {
		t.Errorf("only %d events", known)
	}
}

func TestSecretsAreReplaced(t *testing.T) {
	fake := billingtest.NewFake(nil)
	before := fake.Secret()
	after := fake.RollSecret()
	for _, secrets := range [][]string{{before}, {after}, {after, before}} {
		if _, err := verifier(t, secrets...).Verify(fake.Sign(nil, time.Now())); err != nil {
			t.Errorf("%v", err)
		}
	}
}

func TestInstallWebhook(t *testing.T) {
	fake := billingtest.StartFake(t, nil)
	p := open(t, fake, stripebilling.Options{})
	const url = "https://shop.example/api/webhooks/stripe"
	secret, err := p.InstallWebhook(t.Context(), url)
	if err != nil || !strings.HasPrefix(secret, "whsec_") || secret == fake.Secret() {
		t.Fatalf("%q, %v", secret, err)
	}
	if _, err := p.InstallWebhook(t.Context(), url); !errors.Is(err, billing.ErrRefused) {
		t.Errorf("twice: %v", err)
	}
	for _, bad := range []string{"", "shop.example", "javascript:x"} {
		if _, err := p.InstallWebhook(t.Context(), bad); !errors.Is(err, billing.ErrRefused) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	e := fake.Endpoints()[0]
	if len(fake.Endpoints()) != 1 || e.URL != url || e.Version != "2023-10-16" || !slices.Equal(e.Events, stripebilling.EventTypes()) || slices.Contains(e.Events, "*") {
		t.Errorf("%+v", e)
	}
}

func FuzzSignature(f *testing.F) {
	f.Add("t=1495999758,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd,v0=abc")
	f.Add("t=1,t=2,v1=")
	f.Add(",=,,==")
	p := verifier(f, testSecret)
	f.Fuzz(func(t *testing.T, header string) {
		signed, signatures, ok := stripebilling.ParseSignature(header)
		if ok && (signed == "" || len(signatures) == 0 || strings.Count(header, "t=") == 0) {
			t.Errorf("%q: %q, %x", header, signed, signatures)
		}
		// Nobody knows the secret here.
		d := billing.Delivery{Body: []byte(goodBody), Header: http.Header{"Stripe-Signature": {header}}, At: time.Unix(1495999758, 0)}
		if n, err := p.Verify(d); !errors.Is(err, billing.ErrSignature) {
			t.Errorf("%q is taken: %+v", header, n)
		}
		// What we can read, the library can.
		if ok && errors.Is(webhook.ValidatePayloadIgnoringTolerance(nil, header, "x"), webhook.ErrNotSigned) {
			t.Errorf("%q: the library sees no signature", header)
		}
	})
}

func FuzzEvent(f *testing.F) {
	f.Add([]byte(goodBody))
	f.Add([]byte(`{"id":"evt_1","type":"v1.customer.updated","related_object":{"id":"cus_1","type":"customer"},"created":"2026-01-15T10:30:00Z"}`))
	f.Add([]byte(`{"id":"evt_1","type":"invoice.paid","data":{"object":{"object":"invoice","parent":{"subscription_details":{"subscription":{"id":"sub_0123456789"}}}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := stripebilling.ParseEvent(body)
		if err != nil {
			if !errors.Is(err, billing.ErrMalformed) || n != (billing.Notice{}) {
				t.Errorf("%+v, %v", n, err)
			}
			return
		}
		if n.ID == "" || len(n.ID) > 255 || n.Type == "" || len(n.Type) > 255 || n.Kind == "" {
			t.Errorf("%+v", n)
		}
		if n.Kind == billing.KindIgnored && n.Ref != (billing.Ref{}) {
			t.Errorf("ignored, and yet about %+v", n.Ref)
		}
		for _, id := range []string{n.Ref.Session, n.Ref.Subscription, n.Ref.Customer} {
			if strings.ContainsAny(id, "/?#%. \x00") || len(id) > 210 {
				t.Errorf("%+v", n.Ref)
			}
		}
	})
}
