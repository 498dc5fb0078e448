package auth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

func TestAPIKey(t *testing.T) {
	key := auth.NewAPIKey()
	text := key.Reveal()
	again, err := auth.ParseAPIKey(text)
	if err != nil || again.Hash() != key.Hash() || !strings.HasPrefix(text, auth.KeyPrefix) || len(text) != 74 {
		t.Errorf("%q: %v", text, err)
	}
	if auth.NewAPIKey().Reveal() == text {
		t.Error("two keys are the same")
	}
	for _, shown := range []string{fmt.Sprint(key), fmt.Sprintf("%v %+v %#v %s %q", key, key, key, key, key), fmt.Sprint(&key)} {
		if strings.Contains(shown, text[10:70]) {
			t.Errorf("printing shows the key: %s", shown)
		}
	}
	for _, wrong := range []string{
		"", "hcmo_live_", text[:73], text + "0", strings.ToUpper(text), " " + text, text + "\n",
		"hcmo_test_" + text[10:], text[:73] + "g", text[:73] + "A", strings.Repeat("é", 37),
	} {
		if _, err := auth.ParseAPIKey(wrong); !errors.Is(err, auth.ErrUnauthenticated) || strings.Contains(err.Error(), "hcmo") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func FuzzParseAPIKey(f *testing.F) {
	f.Add(auth.NewAPIKey().Reveal())
	f.Add("hcmo_live_" + strings.Repeat("0", 64))
	f.Fuzz(func(t *testing.T, text string) {
		key, err := auth.ParseAPIKey(text)
		if err == nil && (key.Reveal() != text || strings.ToLower(text) != text || len(text) != 74) {
			t.Errorf("%q is taken", text)
		}
	})
}

func request(t *testing.T, authorization ...string) *http.Request {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	for _, a := range authorization {
		r.Header.Add("Authorization", a)
	}
	return r
}

func TestBearerToken(t *testing.T) {
	for _, c := range []struct {
		header []string
		want   string
	}{
		{nil, ""},
		{[]string{"Bearer abc"}, "abc"},
		{[]string{"bearer abc"}, "abc"},
		{[]string{"Bearer   abc"}, "abc"},
		{[]string{"Bearer"}, ""},
		{[]string{"Bearer "}, ""},
		{[]string{"Basic abc"}, ""},
		{[]string{"Bearer a", "Bearer b"}, ""},
	} {
		token, ok := auth.BearerToken(request(t, c.header...))
		if token != c.want || ok != (c.want != "") {
			t.Errorf("%q: %q, %t", c.header, token, ok)
		}
	}
}

func TestKeys(t *testing.T) {
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	c := storage.Customer{ID: storage.CustomerID(storage.NewID()), Email: "ada@example.com", Status: storage.StatusInactive, CreatedAt: storage.Now()}
	if err := store.CreateCustomer(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	add := func(expires time.Time) (auth.APIKey, storage.KeyID) {
		key := auth.NewAPIKey()
		id := storage.KeyID(storage.NewID())
		err := store.CreateKey(t.Context(), storage.Key{ID: id, CustomerID: c.ID, Hash: key.Hash(), LastFour: key.LastFour(), CreatedAt: storage.Now(), ExpiresAt: expires})
		if err != nil {
			t.Fatal(err)
		}
		return key, id
	}
	good, id := add(time.Time{})
	expired, _ := add(storage.Now().Add(-time.Second))
	keys := auth.Keys(store)
	p, err := keys.Authenticate(request(t, "Bearer "+good.Reveal()))
	if err != nil || p.Customer != c.ID || p.Key != id || p.Status != storage.StatusInactive {
		t.Errorf("%+v, %v", p, err)
	}
	for name, c := range map[string]struct {
		header string
		want   error
	}{
		"none":    {"Basic x", auth.ErrNoCredential},
		"expired": {"Bearer " + expired.Reveal(), auth.ErrUnauthenticated},
		"unknown": {"Bearer " + auth.NewAPIKey().Reveal(), auth.ErrUnauthenticated},
		"no form": {"Bearer x", auth.ErrUnauthenticated},
	} {
		if p, err := keys.Authenticate(request(t, c.header)); !errors.Is(err, c.want) || p != (auth.Principal{}) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

func TestFirst(t *testing.T) {
	answer := func(p string, err error) auth.Authenticator {
		return auth.Func(func(*http.Request) (auth.Principal, error) { return auth.Principal{ExternalID: p}, err })
	}
	broken := errors.New("broken")
	none, refused, ada, down := answer("", auth.ErrNoCredential), answer("", auth.ErrUnauthenticated), answer("ada", nil), answer("", broken)
	for _, c := range []struct {
		list []auth.Authenticator
		who  string
		err  error
	}{
		{nil, "", auth.ErrNoCredential},
		{[]auth.Authenticator{none, none}, "", auth.ErrNoCredential},
		{[]auth.Authenticator{none, ada}, "ada", nil},
		{[]auth.Authenticator{refused, ada}, "ada", nil},
		{[]auth.Authenticator{refused, none}, "", auth.ErrUnauthenticated},
		{[]auth.Authenticator{ada, down}, "ada", nil},
		{[]auth.Authenticator{down, ada}, "", broken},
	} {
		p, err := auth.First(c.list...).Authenticate(request(t))
		if p.ExternalID != c.who || !errors.Is(err, c.err) {
			t.Errorf("%q, %v, want %q, %v", p.ExternalID, err, c.who, c.err)
		}
	}
}
