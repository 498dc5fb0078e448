package storagetest

import (
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

func testCreateNotice(t *testing.T, s billingStore) {
	ctx := t.Context()
	first := newNotice("stripe", "evt_1")
	first.Customer, first.ReceivedAt = nobody, now.Add(time.Minute) // who need not be known
	ok(t, s.CreateNotice(ctx, first))
	again := newNotice("stripe", "evt_1")
	again.CreatedAt = now.Add(time.Hour)
	wantErr(t, s.CreateNotice(ctx, again), storage.ErrExists, "a notice that is known")
	other := newNotice("fake", "evt_1")
	ok(t, s.CreateNotice(ctx, other)) // the ID is the provider's
	for _, want := range []storage.Notice{first, other} {
		got, err := s.LastNotice(ctx, want.Provider)
		ok(t, err)
		equal(t, got, want, "the stored notice")
	}
}

func testLastNotice(t *testing.T, s billingStore) {
	ctx := t.Context()
	add := func(provider, id string, created, received time.Time) storage.Notice {
		t.Helper()
		n := newNotice(provider, id)
		n.CreatedAt, n.ReceivedAt = created, received
		ok(t, s.CreateNotice(ctx, n))
		return n
	}
	check := func(provider string, want storage.Notice, what string) {
		t.Helper()
		got, err := s.LastNotice(ctx, provider)
		ok(t, err)
		equal(t, got, want, what)
	}
	_, err := s.LastNotice(ctx, "stripe")
	wantErr(t, err, storage.ErrNotFound, "the last of no notices")
	timeless := add("stripe", "1", time.Time{}, now)
	check("stripe", timeless, "one without a time")
	last := add("stripe", "2", now, now)
	check("stripe", last, "the one with a time")
	add("stripe", "3", now.Add(-time.Microsecond), now.Add(time.Hour)) // came later
	add("fake", "4", now.Add(time.Hour), now)
	check("stripe", last, "the one that was made last")
	check("stripe", add("stripe", "0", now.Add(time.Microsecond), lastMonth), "a later one")
	for _, absent := range []string{"Stripe", "", "stri", "s%"} {
		_, err := s.LastNotice(ctx, absent)
		wantErr(t, err, storage.ErrNotFound, "the last notice of provider "+absent)
	}
}

func testDeleteNotices(t *testing.T, s billingStore) {
	ctx := t.Context()
	received := map[string]time.Time{
		"1": now.Add(-time.Hour), "2": now.Add(-time.Microsecond), "3": now, "4": now.Add(time.Hour), "5": {},
	}
	for id, at := range received {
		n := newNotice("stripe", id)
		n.CreatedAt, n.ReceivedAt = lastMonth, at
		ok(t, s.CreateNotice(ctx, n))
	}
	for _, want := range []int{2, 0} {
		n, err := s.DeleteNotices(ctx, now)
		ok(t, err)
		equal(t, n, want, "number of deleted notices")
	}
	for id, at := range received {
		err := s.CreateNotice(ctx, newNotice("stripe", id))
		if at.Before(now) && !at.IsZero() {
			ok(t, err)
		} else {
			wantErr(t, err, storage.ErrExists, "a notice that was not deleted, "+id)
		}
	}
}
