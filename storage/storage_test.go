package storage

import (
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

func TestEntitled(t *testing.T) {
	for status, want := range map[Status]bool{
		StatusPending: false, StatusOnboarding: true, StatusActive: true, StatusInactive: false, "": false, "Active": false,
	} {
		if status.Entitled() != want {
			t.Errorf("Status(%q).Entitled() = %v", status, !want)
		}
	}
}
