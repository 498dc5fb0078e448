package storage

import (
	"context"
	"errors"
	"regexp"
	"testing"
	"time"
)

func TestInvalid(t *testing.T) {
	err := Invalid("limit", "between %d and %d", 1, 100)
	if !errors.Is(err, ErrInvalid) || err.Error() != "limit must be between 1 and 100" {
		t.Errorf("got %v", err)
	}
	for _, other := range []error{ErrNotFound, ErrExists, ErrConflict} {
		if errors.Is(err, other) {
			t.Errorf("it is %v too", other)
		}
	}
}

func TestNewID(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	last := ""
	for range 10000 {
		id := NewID()
		if !form.MatchString(id) {
			t.Fatalf("%q is no UUIDv7", id)
		}
		if id <= last {
			t.Fatalf("%q came after %q", id, last)
		}
		last = id
	}
}

func TestNow(t *testing.T) {
	before := time.Now()
	now := Now()
	if now.Location() != time.UTC || now.Nanosecond()%1000 != 0 {
		t.Errorf("%v is not in UTC to the microsecond", now)
	}
	if now.Before(before.Truncate(time.Microsecond)) || now.After(time.Now()) {
		t.Errorf("%v is not the present time", now)
	}
}

func TestFormatTime(t *testing.T) {
	for want, at := range map[string]time.Time{
		"2026-01-15T10:30:00.000Z": time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC),
		"2026-01-15T10:30:00.999Z": time.Date(2026, 1, 15, 12, 30, 0, 999_999_999, time.FixedZone("", 7200)),
	} {
		if got := FormatTime(at); got != want {
			t.Errorf("FormatTime(%v) = %s, want %s", at, got, want)
		}
	}
}

// recorder keeps the last event.
type recorder struct{ last Event }

func (*recorder) Events(context.Context, CustomerID, EventQuery) ([]Event, error) { return nil, nil }

func (r *recorder) AppendEvent(_ context.Context, e Event) error { r.last = e; return nil }

func TestRecord(t *testing.T) {
	var r recorder
	for _, c := range []struct {
		data map[string]any
		want string
	}{
		{nil, "{}"},
		{map[string]any{"n": 1}, `{"n":1}`},
	} {
		before := Now()
		if err := Record(t.Context(), &r, "c", "key.rotated", c.data); err != nil {
			t.Fatal(err)
		}
		e := r.last
		if e.ID == "" || e.CustomerID != "c" || e.Type != "key.rotated" || string(e.Data) != c.want || e.CreatedAt.Before(before) {
			t.Errorf("recorded %+v with data %s, want data %s", e, e.Data, c.want)
		}
	}
	r.last = Event{}
	if err := Record(t.Context(), &r, "c", "key.rotated", map[string]any{"f": func() {}}); err == nil || r.last.ID != "" {
		t.Errorf("data that is no JSON: %v, recorded %+v", err, r.last)
	}
}

func TestEntitled(t *testing.T) {
	for status, want := range map[Status]bool{
		StatusPending: false, StatusOnboarding: true, StatusActive: true, StatusInactive: false, "": false, "Active": false,
	} {
		if status.Entitled() != want {
			t.Errorf("Status(%q).Entitled() = %v", status, !want)
		}
	}
}

func TestStatusAt(t *testing.T) {
	now := time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		status Status
		until  time.Time
		want   Status
	}{
		{StatusActive, time.Time{}, StatusActive}, // no end
		{StatusActive, now.Add(time.Microsecond), StatusActive},
		{StatusActive, now, StatusInactive},
		{StatusActive, now.In(time.FixedZone("", 7200)), StatusInactive},
		{StatusActive, now.Add(-time.Hour), StatusInactive},
		{StatusOnboarding, time.Time{}, StatusOnboarding},
		{StatusOnboarding, now.Add(time.Hour), StatusOnboarding},
		{StatusOnboarding, now, StatusInactive},
		{StatusPending, now.Add(-time.Hour), StatusPending}, // not entitled anyway
		{StatusInactive, now.Add(time.Hour), StatusInactive},
		{"", now, ""},
	} {
		if got := c.status.At(c.until, now); got != c.want {
			t.Errorf("%q until %v: got %q, want %q", c.status, c.until, got, c.want)
		}
		if got := (Customer{Status: c.status, EntitledUntil: c.until}).StatusAt(now); got != c.want {
			t.Errorf("a customer who is %q until %v: got %q, want %q", c.status, c.until, got, c.want)
		}
	}
}

// named is a store with a role of its own.
type named struct {
	Store
	name string
}

func (n named) Name() string { return n.name }

// wrapped shows what is behind it.
type wrapped struct{ inner Store }

func (w wrapped) Unwrap() Store { return w.inner }

type wrappedStore struct {
	Store
	wrapped
}

func TestRoleOf(t *testing.T) {
	type role interface{ Name() string }
	type plain struct{ Store }
	wrap := func(s Store) Store { return wrappedStore{plain{}, wrapped{s}} }
	for _, c := range []struct {
		what  string
		store Store
		want  string // empty: it has no role
	}{
		{"no store", nil, ""},
		{"a store without the role", plain{}, ""},
		{"a store with the role", named{name: "a"}, "a"},
		{"a wrapper that hides it", plain{named{name: "a"}}, ""},
		{"a wrapper that shows it", wrap(named{name: "a"}), "a"},
		{"two wrappers", wrap(wrap(named{name: "a"})), "a"},
		{"a wrapper of a store without it", wrap(plain{}), ""},
		{"a wrapper of nothing", wrap(nil), ""},
		{"a wrapper with a role of its own", named{wrap(named{name: "inner"}), "outer"}, "outer"},
	} {
		got, ok := RoleOf[role](c.store)
		if ok != (c.want != "") || ok && got.Name() != c.want || !ok && got != nil {
			t.Errorf("%s: got %v, %v, want %q", c.what, got, ok, c.want)
		}
	}
}
