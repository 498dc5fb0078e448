package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/storage"
)

// BenchmarkPages measures what pages take on the server for a customer with 10,000 events
// and 1,000 pieces of content.
func BenchmarkPages(b *testing.B) {
	h := newHost(b, nil)
	muchToSee(b, h)
	u, err := url.Parse(h.link())
	if err != nil {
		b.Fatal(err)
	}
	cookie := ""
	call := func(method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(b.Context(), method, h.server.URL+path, strings.NewReader(body))
		r.Header.Set("Cookie", cookie)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.heycmo.ServeHTTP(w, r)
		return w
	}
	signedIn := call(http.MethodPost, "/dashboard/sign-in", url.Values{"t": {u.Query().Get("t")}}.Encode())
	cookie = strings.SplitN(signedIn.Header().Get("Set-Cookie"), ";", 2)[0]
	for _, path := range []string{"/dashboard", "/dashboard/content", "/dashboard/events", "/dashboard/runs", "/dashboard/connections"} {
		b.Run(strings.TrimPrefix(path, "/"), func(b *testing.B) {
			size := 0
			for b.Loop() {
				w := call(http.MethodGet, path, "")
				if size = w.Body.Len(); w.Code != http.StatusOK {
					b.Fatalf("%s: %d", path, w.Code)
				}
			}
			b.ReportMetric(float64(size)/1000, "kB/page")
		})
	}
}

// muchToSee gives the customer 10,000 events and 1,000 pieces.
func muchToSee(t testing.TB, h *host) {
	t.Helper()
	now := storage.Now()
	err := h.store.InTx(t.Context(), func(ctx context.Context, tx storage.Store) error {
		for i := range 10_000 {
			if err := tx.AppendEvent(ctx, storage.Event{
				ID: storage.EventID(storage.NewID()), CustomerID: h.customer, Type: "lead.logged", Data: fmt.Appendf(nil, `{"name":%q}`, strings.Repeat("x", 1000)), CreatedAt: now,
			}); err != nil {
				return err
			}
			if i%10 == 0 {
				if err := tx.CreateDocument(ctx, storage.Document{
					CustomerID: h.customer, Kind: "content", ID: storage.NewID(), Status: "draft", CreatedAt: now, UpdatedAt: now,
					Data: fmt.Appendf(nil, `{"agent":"social","type":"social_post","title":%q,"version":1}`, strings.Repeat("t", 200)),
				}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
