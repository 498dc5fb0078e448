package rest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/storage"
)

func TestRotationWithOverlap(t *testing.T) {
	for query, overlap := range map[string]time.Duration{"": 24 * time.Hour, "?overlap=3600": time.Hour, "?overlap=604800": 7 * 24 * time.Hour} {
		t.Run(query, func(t *testing.T) {
			h := newHost(t)
			old := h.key(h.ada)
			before := time.Now()
			rotated := read[RotatedKey](t, h.want(http.StatusCreated, request{method: "POST", path: "/api/keys/{ada}/rotate" + query, key: old, body: "{}"}))
			if end := before.Add(overlap); rotated.PreviousExpiresAt.Sub(end).Abs() > time.Minute {
				t.Errorf("the old key ends at %v, must be about %v", rotated.PreviousExpiresAt, end)
			}
			for _, key := range []string{old, rotated.APIKey} {
				h.want(http.StatusOK, request{method: "GET", path: "/api/customer/{ada}", key: key})
			}
			keys := read[KeyList](t, h.want(http.StatusOK, request{method: "GET", path: "/api/keys/{ada}", key: rotated.APIKey})).Keys
			if len(keys) != 2 || keys[0].ID != rotated.Key.ID || !keys[0].ExpiresAt.IsZero() || !keys[1].ExpiresAt.Equal(rotated.PreviousExpiresAt.Time) {
				t.Errorf("%+v", keys)
			}
			if strings.HasSuffix(old, rotated.Key.LastFour) || !strings.HasSuffix(rotated.APIKey, rotated.Key.LastFour) {
				t.Errorf("lastFour is %s", rotated.Key.LastFour)
			}
		})
	}
}

// The answer to the request that ends its own key still arrives.
func TestRotationWithoutOverlap(t *testing.T) {
	h := newHost(t)
	old := h.key(h.ada)
	rotated := read[RotatedKey](t, h.want(http.StatusCreated, request{method: "POST", path: "/api/keys/{ada}/rotate?overlap=0", key: old}))
	h.want(http.StatusUnauthorized, request{method: "GET", path: "/api/customer/{ada}", key: old})
	h.want(http.StatusUnauthorized, request{method: "POST", path: "/api/keys/{ada}/rotate", key: old})
	h.want(http.StatusOK, request{method: "GET", path: "/api/customer/{ada}", key: rotated.APIKey})
	got := h.want(http.StatusOK, request{method: "GET", path: "/api/events/{ada}?type=key.rotated", key: rotated.APIKey})
	for _, text := range []string{`"keyId":"` + rotated.Key.ID, `"previousKeyId":"{adaKey}"`, `"previousExpiresAt":"` + rotated.PreviousExpiresAt.Format("2006-01-02T15:04:05.000Z")} {
		if !strings.Contains(got.body, h.placeholders.Replace(text)) {
			t.Errorf("%s is not in %s", text, got.body)
		}
	}
}

func TestRevocation(t *testing.T) {
	h := newHost(t)
	first := h.key(h.ada)
	second := read[IssuedKey](t, h.want(http.StatusCreated, request{method: "POST", path: "/api/keys/{ada}", key: first, body: `{"name":"two"}`}))
	h.want(http.StatusNoContent, request{method: "DELETE", path: "/api/keys/{ada}/{adaKey}", key: second.APIKey})
	h.want(http.StatusUnauthorized, request{method: "GET", path: "/api/customer/{ada}", key: first})
	h.want(http.StatusNotFound, request{method: "DELETE", path: "/api/keys/{ada}/{adaKey}", key: second.APIKey})
	h.want(http.StatusNoContent, request{method: "DELETE", path: "/api/keys/{ada}/" + second.Key.ID, key: second.APIKey}) // its own
	h.want(http.StatusUnauthorized, request{method: "GET", path: "/api/customer/{ada}", key: second.APIKey})
}

func TestKeysRunOut(t *testing.T) {
	h := newHost(t)
	h.direct = true
	for range 99 {
		h.want(http.StatusCreated, request{method: "POST", path: "/api/keys/{ada}", key: h.key(h.ada)})
	}
	got := h.want(http.StatusConflict, request{method: "POST", path: "/api/keys/{ada}", key: h.key(h.ada)})
	if got.body != `{"error":"there are 100 keys already; revoke one first"}` {
		t.Error(got.body)
	}
	h.want(http.StatusConflict, request{method: "POST", path: "/api/admin/customers/{ada}/keys", key: testAdminKey})
}

func TestLastUse(t *testing.T) {
	h := newHost(t)
	list := request{method: "GET", path: "/api/keys/{ada}", key: h.key(h.ada)}
	h.want(http.StatusOK, list)
	if err := h.app.FlushKeyUse(t.Context()); err != nil {
		t.Fatal(err)
	}
	used := read[KeyList](t, h.want(http.StatusOK, list)).Keys[0].LastUsedAt
	if time.Since(used.Time) > 2*time.Minute || used.Truncate(time.Minute) != used.Time {
		t.Errorf("last used %v", used)
	}
}

// Every record is on one page, newest first, also when some come in between.
func TestPaging(t *testing.T) {
	h := newHost(t)
	for n := range 6 {
		h.want(http.StatusCreated, request{method: "POST", path: "/api/keys/{ada}", key: h.key(h.ada), body: fmt.Sprintf(`{"name":"key %d"}`, n)})
	}
	var names []string
	cursor, pages := "", 0
	for {
		page := read[KeyList](t, h.want(http.StatusOK, request{method: "GET", path: "/api/keys/{ada}?limit=3&cursor=" + cursor, key: h.key(h.ada)}))
		for _, k := range page.Keys {
			names = append(names, k.Name)
		}
		if pages++; page.NextCursor == "" {
			break
		}
		cursor = page.NextCursor
		h.want(http.StatusCreated, request{method: "POST", path: "/api/keys/{ada}", key: h.key(h.ada), body: `{"name":"between"}`})
	}
	if got := strings.Join(names, ", "); got != "key 5, key 4, key 3, key 2, key 1, key 0, first key" || pages != 3 {
		t.Errorf("%d pages: %s", pages, got)
	}
}

func TestRotationWithoutAKey(t *testing.T) {
	h := newHost(t)
	h.app.Authenticator = auth.Func(func(*http.Request) (auth.Principal, error) {
		return auth.Principal{ExternalID: "user:ada@example.com"}, nil
	})
	h.want(http.StatusOK, request{method: "GET", path: "/api/customer/{ada}"})
	got := h.want(http.StatusConflict, request{method: "POST", path: "/api/keys/{ada}/rotate"})
	if !strings.Contains(got.body, "make a new key instead") {
		t.Error(got.body)
	}
}

// A time is shown with three digits, whatever it is.
func TestTimes(t *testing.T) {
	h := newHost(t)
	_, err := h.store.UpdateCustomer(t.Context(), h.ada.Customer.ID, func(c *storage.Customer) error {
		c.UpdatedAt = time.Date(2026, 1, 15, 11, 30, 0, 0, time.FixedZone("", 3600))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := h.want(http.StatusOK, request{method: "GET", path: "/api/customer/{ada}", key: h.key(h.ada)})
	if !strings.Contains(got.body, `"updatedAt":"2026-01-15T10:30:00.000Z"`) {
		t.Error(got.body)
	}
}
