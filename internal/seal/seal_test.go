package seal_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/internal/seal"
)

func secret() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return b
}

func ring(t testing.TB, keys ...seal.Key) *seal.Ring {
	t.Helper()
	r, err := seal.New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var place = []string{"connections", "ada", "linkedin", "refresh"}

func TestSeal(t *testing.T) {
	r := ring(t, seal.Key{"k1", secret()})
	for _, text := range []string{"", "a token", strings.Repeat("x", 1<<16)} {
		a, b := r.Seal([]byte(text), place...), r.Seal([]byte(text), place...)
		if bytes.Equal(a, b) || text != "" && bytes.Contains(a, []byte(text)) {
			t.Errorf("%d bytes show", len(text))
		}
		for _, sealed := range [][]byte{a, b} {
			if got, err := r.Open(sealed, place...); err != nil || string(got) != text {
				t.Errorf("%q, %v", got, err)
			}
		}
	}
}

func TestAnotherPlace(t *testing.T) {
	r := ring(t, seal.Key{"k1", secret()})
	sealed := r.Seal([]byte("a token"), place...)
	for _, names := range [][]string{
		nil, {"connections", "bob", "linkedin", "refresh"}, {"connections", "ada", "linkedin"}, {"connections", "ada", "linkedin", "refresh", ""},
		{"connection", "sada", "linkedin", "refresh"}, {"connectionsadalinkedinrefresh"}, {"connections", "ada", "linkedin", "Refresh"},
	} {
		if got, err := r.Open(sealed, names...); !errors.Is(err, seal.ErrDamaged) || got != nil {
			t.Errorf("for %q: %q, %v", names, got, err)
		}
	}
}

func TestDamaged(t *testing.T) {
	r := ring(t, seal.Key{"k1", secret()})
	sealed := r.Seal([]byte("a token"), place...)
	for i := range sealed {
		for bit := range 8 {
			spoilt := bytes.Clone(sealed)
			spoilt[i] ^= 1 << bit
			if got, err := r.Open(spoilt, place...); err == nil || got != nil {
				t.Fatalf("byte %d, bit %d: %q", i, bit, got)
			}
		}
		if _, err := r.Open(sealed[:i], place...); !errors.Is(err, seal.ErrDamaged) {
			t.Fatalf("the first %d bytes: %v", i, err)
		}
	}
	if _, err := r.Open(append(bytes.Clone(sealed), 0), place...); !errors.Is(err, seal.ErrDamaged) {
		t.Errorf("a byte more: %v", err)
	}
}

func TestRotation(t *testing.T) {
	old, fresh := seal.Key{"k1", secret()}, seal.Key{"k2", secret()}
	before := ring(t, old)
	sealed := before.Seal([]byte("a token"), place...)
	both := ring(t, fresh, old)
	text, err := both.Open(sealed, place...)
	if err != nil || !both.Stale(sealed) || before.Stale(sealed) {
		t.Fatal(string(text), err)
	}
	anew := both.Seal(text, place...)
	if id, err := seal.KeyOf(anew); err != nil || id != "k2" || both.Stale(anew) {
		t.Errorf("sealed with %s, %v", id, err)
	}
	after := ring(t, fresh)
	if got, err := after.Open(anew, place...); err != nil || string(got) != "a token" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := after.Open(sealed, place...); !errors.Is(err, seal.ErrKey) || !strings.Contains(err.Error(), "k1") {
		t.Errorf("without the old key: %v", err)
	}
	// Another secret under the same name is another key.
	if _, err := ring(t, seal.Key{"k1", secret()}).Open(sealed, place...); !errors.Is(err, seal.ErrDamaged) {
		t.Errorf("another secret: %v", err)
	}
}

func TestBadKeys(t *testing.T) {
	good := seal.Key{"k1", secret()}
	for want, keys := range map[string][]seal.Key{
		"there is no key":           nil,
		"the name of key 1":         {{"", secret()}},
		"the name of key 2":         {good, {"a key", secret()}},
		`"k1" is there twice`:       {good, good},
		"at least 32 bytes":         {{"k1", secret()[:31]}},
		"looks like a placeholder":  {{"k1", bytes.Repeat([]byte{0}, 32)}},
		`"k3" must be made at rand`: {good, {"k3", []byte(strings.Repeat("changeme", 4))}},
	} {
		if _, err := seal.New(keys...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
	text := fmt.Sprintf("%v %+v %#v %s", good, good, good, good)
	if strings.Contains(text, fmt.Sprint(good.Secret[0], good.Secret[1])) || strings.Contains(text, fmt.Sprintf("%#v", good.Secret)) || text != "k1 k1 k1 k1" {
		t.Errorf("it shows %s", text)
	}
}

func FuzzOpen(f *testing.F) {
	r := ring(f, seal.Key{"k1", secret()})
	f.Add(r.Seal([]byte("a token"), "a"), "a")
	f.Add([]byte{1, 2, 'k', '1'}, "")
	f.Fuzz(func(t *testing.T, sealed []byte, name string) {
		text, err := r.Open(sealed, name)
		if err != nil && text != nil {
			t.Errorf("%q beside %v", text, err)
		}
	})
}
