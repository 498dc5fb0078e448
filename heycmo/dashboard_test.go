package heycmo_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage"
)

func TestDashboardOfAKey(t *testing.T) {
	h := newLinkedHost(t)
	id, key := h.customer("Acme")
	status, page := h.rest("GET", "/api/dashboard/"+string(id), key, "")
	if status != 200 || !strings.Contains(page, "Waits for you") || strings.Contains(page, "<form") {
		t.Errorf("with a key: %d %.300s", status, page)
	}
	if status, _ := h.rest("GET", "/api/dashboard/"+string(id), "hcmo_live_wrong", ""); status != 401 {
		t.Errorf("with a wrong key: %d", status)
	}
	_, otherKey := h.customer("Other")
	if status, page := h.rest("GET", "/api/dashboard/"+string(id), otherKey, ""); status != 404 || strings.Contains(page, "Acme") {
		t.Errorf("with another's key: %d", status)
	}
	text, failed := h.call(h.session(key, nil), "open_dashboard", map[string]any{})
	if failed || !strings.Contains(text, h.server.URL+"/dashboard/sign-in?t=") {
		t.Errorf("open_dashboard: %s", text)
	}
}

func TestDashboardOptions(t *testing.T) {
	srv := newServer(t, &heycmo.Options{Dashboard: &heycmo.Dashboard{Off: true}})
	if r := get(t, srv, "/dashboard"); r.StatusCode != http.StatusNotFound {
		t.Errorf("a dashboard that is off: %d", r.StatusCode)
	}
	if srv.Dashboard() != nil {
		t.Error("a handler of a dashboard that is off")
	}
	srv = newServer(t, &heycmo.Options{Dashboard: &heycmo.Dashboard{
		Style:     ":root { --accent: #7a1fa2 }",
		Templates: fstest.MapFS{"signin.html": {Data: []byte(`{{define "main"}}<p>Come in, {{.Product}}.</p>{{end}}`)}},
	}})
	if text := body(t, get(t, srv, "/dashboard")); !strings.Contains(text, "<p>Come in, ") {
		t.Errorf("another template: %s", text)
	}
	if text := body(t, get(t, srv, "/dashboard/assets/style.css")); !strings.HasSuffix(text, "--accent: #7a1fa2 }") {
		t.Errorf("another style: %.100s", text)
	}
	_, err := heycmo.New(open(t), &heycmo.Options{Dashboard: &heycmo.Dashboard{Templates: fstest.MapFS{"overview.html": {Data: []byte(`{{define "main"}}{{if}}`)}}}})
	if err == nil || !strings.Contains(err.Error(), "template overview.html") {
		t.Errorf("a template that makes no sense: %v", err)
	}
}

func TestDashboardLinkOfAdmin(t *testing.T) {
	srv := newServer(t, &heycmo.Options{PublicURL: "https://shop.example/ai"})
	made, err := srv.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	link, until, err := srv.Admin().DashboardLink(t.Context(), made.Customer.ID)
	if err != nil || !strings.HasPrefix(link, "https://shop.example/ai/dashboard/sign-in?t=") || time.Until(until) > 5*time.Minute || time.Until(until) < 4*time.Minute {
		t.Errorf("%s until %s: %v", link, until, err)
	}
	if _, _, err := srv.Admin().DashboardLink(t.Context(), "nobody"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("of an unknown customer: %v", err)
	}
	for says, o := range map[string]*heycmo.Options{
		"no dashboard":   {PublicURL: "https://shop.example", Dashboard: &heycmo.Dashboard{Off: true}},
		"the public URL": {},
	} {
		srv := newServer(t, o)
		made, err := srv.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: "ada@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := srv.Admin().DashboardLink(t.Context(), made.Customer.ID); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", says, err)
		}
	}
}
