package billingtest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/billingtest"
)

// TestFakePage: a person, or a test with a plain HTTP client, pays on the page.
func TestFakePage(t *testing.T) {
	f := billingtest.StartFake(t, nil)
	s := call(t, f, "POST", "/v1/checkout/sessions", sessionForm(f))
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for i, want := range []struct {
		method   string
		status   int
		location string
	}{
		{"GET", 200, ""},
		{"POST", 303, "https://shop.example/done?s=" + s.text("id")},
		{"POST", 409, ""},
		{"GET", 200, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), want.method, s.text("url"), nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != want.status || res.Header.Get("Location") != want.location || want.method == "GET" && strings.Contains(string(body), "<button>") != (i == 0) {
			t.Errorf("%d: %d %s %s", i, res.StatusCode, res.Header.Get("Location"), body)
		}
	}
}

func TestFakePages(t *testing.T) {
	f := billingtest.StartFake(t, nil)
	for i := range 5 {
		f.AddPrice(billing.Price{ID: fmt.Sprintf("price_%d", i), Currency: "usd", Amount: 1, Interval: "day", Count: 1})
	}
	var got []string
	after := ""
	for range 3 {
		r := call(t, f, "GET", "/v1/prices", "limit=2"+after)
		for _, p := range r.body["data"].([]any) {
			got = append(got, p.(map[string]any)["id"].(string))
		}
		if last := len(got) == 6; r.body["has_more"] != !last || r.text("object") != "list" || len(got)%2 != 0 {
			t.Errorf("%v", r.body)
		}
		after = "&starting_after=" + got[len(got)-1]
	}
	// The newest first, the first price last.
	if want := "price_4 price_3 price_2 price_1 price_0 " + f.Price(); strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestFakeMeterEvents(t *testing.T) {
	f := billingtest.StartFake(t, nil)
	_, _, customer := buy(t, f)
	form := "event_name=calls&identifier=a&payload[value]=3&payload[stripe_customer_id]=" + customer
	if r := call(t, f, "POST", "/v1/billing/meter_events", form); r.status != 200 || r.text("payload", "value") != "3" || r.text("identifier") != "a" {
		t.Errorf("%v", r)
	}
	again := call(t, f, "POST", "/v1/billing/meter_events", form)
	if again.status != 400 || again.text("error", "message") != "An event already exists with identifier a." || again.text("error", "code") != "<nil>" {
		t.Errorf("again: %v", again)
	}
	for _, at := range []time.Time{f.Now().AddDate(0, 0, -36), f.Now().Add(6 * time.Minute)} {
		late := fmt.Sprintf("event_name=calls&timestamp=%d&payload[value]=1&payload[stripe_customer_id]=%s", at.Unix(), customer)
		if r := call(t, f, "POST", "/v1/billing/meter_events", late); r.status != 400 {
			t.Errorf("at %v: %v", at, r)
		}
	}
	if n := f.Usage(customer, "calls"); n != 3 {
		t.Errorf("%d counted, want 3", n)
	}
}
