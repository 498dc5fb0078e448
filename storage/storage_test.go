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
