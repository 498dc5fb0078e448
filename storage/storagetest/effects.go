package storagetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

func fullEffect(id string) storage.Effect {
	return storage.Effect{
		ID:        id,
		Kind:      "mail",
		Customer:  nobody, // who need not be known
		Data:      json.RawMessage(`{"to":"ada@example.com"}`),
		CreatedAt: now,
		DueAt:     now.Add(time.Minute),
		Attempts:  3,
		Error:     "421 try again later",
		DoneAt:    now.Add(time.Hour),
	}
}

// effect looks at an effect.
func effect(t *testing.T, s billingStore, id string) storage.Effect {
	t.Helper()
	e, err := s.UpdateEffect(t.Context(), id, func(*storage.Effect) error { return nil })
	ok(t, err)
	return e
}

func testCreateEffect(t *testing.T, s billingStore) {
	ctx := t.Context()
	done, open := fullEffect("1"), newEffect("2")
	ok(t, s.CreateEffect(ctx, done))
	ok(t, s.CreateEffect(ctx, open))
	for _, id := range []string{"1", "2"} {
		again := newEffect(id)
		again.Kind = "other"
		wantErr(t, s.CreateEffect(ctx, again), storage.ErrExists, "an effect whose ID is taken")
	}
	for _, want := range []storage.Effect{done, open} {
		equalEffect(t, effect(t, s, want.ID), want, "the stored effect")
	}
	for _, id := range []string{"a", strings.Repeat("a", 1000), strings.Repeat("ü", 500)} {
		ok(t, s.CreateEffect(ctx, newEffect(id)))
		equal(t, effect(t, s, id).ID, id, "ID of an effect")
	}
	for _, id := range []string{"", strings.Repeat("a", 1001), strings.Repeat("ü", 501)} {
		wantErr(t, s.CreateEffect(ctx, newEffect(id)), storage.ErrInvalid, fmt.Sprintf("an ID of %d bytes", len(id)))
	}
}

func testTakeEffects(t *testing.T, s billingStore) {
	ctx := t.Context()
	effects := map[string]storage.Effect{}
	for _, e := range []struct {
		id            string
		dueAt, doneAt time.Time
	}{
		{"just due", now, time.Time{}},
		{"long due", now.Add(-2 * time.Hour), time.Time{}},
		{"due", now.Add(-time.Hour), time.Time{}},
		{"not due yet", now.Add(time.Microsecond), time.Time{}},
		{"never due", time.Time{}, time.Time{}},
		{"done", now.Add(-3 * time.Hour), now.Add(time.Hour)},
	} {
		record := newEffect(e.id)
		record.Attempts, record.DueAt, record.DoneAt = 4, e.dueAt, e.doneAt
		effects[e.id] = record
		ok(t, s.CreateEffect(ctx, record))
	}
	check := func(what string, at, again time.Time, limit int, want ...string) {
		t.Helper()
		list, err := s.TakeEffects(ctx, at, again, limit)
		ok(t, err)
		records := make([]storage.Effect, len(want))
		for i, id := range want {
			e := effects[id]
			e.Attempts++
			e.DueAt = asStored(again)
			effects[id] = e
			records[i] = e
		}
		equalEffects(t, list, records, what)
		for id, want := range effects {
			equalEffect(t, effect(t, s, id), want, fmt.Sprintf("the effect %q after %s", id, what))
		}
	}
	again := now.Add(time.Minute)
	check("no limit at all", now, again, 0)
	check("a negative limit", now, again, math.MinInt)
	check("the first", now, again.Add(999*time.Nanosecond), 1, "long due")
	check("the next two", now, again.Add(-2*time.Second), 2, "due", "just due")
	_, err := s.UpdateEffect(ctx, "due", func(e *storage.Effect) error { e.DueAt = again.Add(-time.Second); return nil })
	ok(t, err)
	effects["due"] = effect(t, s, "due")
	check("nothing is left", now, again, 10)
	check("one more", now.Add(time.Microsecond), again.Add(time.Second), 10, "not due yet")
	check("all again", again.Add(time.Hour), again, math.MaxInt, "just due", "due", "long due", "not due yet") // as they have become due
}

func testUpdateEffect(t *testing.T, s billingStore) {
	ctx := t.Context()
	before, rest := newEffect("1"), newEffect("2")
	ok(t, s.CreateEffect(ctx, before))
	ok(t, s.CreateEffect(ctx, rest))

	want := fullEffect("1")
	want.Customer, want.Data = before.Customer, before.Data
	got, err := s.UpdateEffect(ctx, "1", func(e *storage.Effect) error {
		equalEffect(t, *e, before, "the effect given to change")
		*e = want
		e.ID, e.Kind, e.Customer, e.Data, e.CreatedAt = "9", "9", "9", json.RawMessage(`{"n":9}`), lastMonth
		e.DoneAt = e.DoneAt.Add(999 * time.Nanosecond)
		return nil
	})
	ok(t, err)
	equalEffect(t, got, want, "the effect returned")
	equalEffect(t, effect(t, s, "1"), want, "the effect stored")
	equalEffect(t, effect(t, s, "2"), rest, "another effect")

	failed := errors.New("my own reason")
	_, err = s.UpdateEffect(ctx, "1", func(e *storage.Effect) error { e.Error = ""; return failed })
	wantErr(t, err, failed, "an error of change")
	equalEffect(t, effect(t, s, "1"), want, "the effect after an error of change")

	got, err = s.UpdateEffect(ctx, "1", func(e *storage.Effect) error { *e = storage.Effect{}; return nil })
	ok(t, err)
	before.DueAt = time.Time{}
	equalEffect(t, got, before, "the emptied effect")

	_, err = s.UpdateEffect(ctx, "absent", func(*storage.Effect) error { t.Error("change was called for no effect"); return nil })
	wantErr(t, err, storage.ErrNotFound, "an absent effect")
}

func testFailingEffects(t *testing.T, s billingStore) {
	ctx := t.Context()
	for _, e := range []struct {
		id, failure string
		attempts    int
		done        time.Time
	}{{"b", "no", 2, time.Time{}}, {"a", "no", 2, time.Time{}}, {"often", "no", 9, time.Time{}}, {"done", "no", 9, now}, {"fresh", "", 0, time.Time{}}, {"under way", "", 1, time.Time{}}} {
		effect := fullEffect(e.id)
		effect.Error, effect.Attempts, effect.DoneAt = e.failure, e.attempts, e.done
		ok(t, s.CreateEffect(ctx, effect))
	}
	effectID := func(e storage.Effect) string { return e.ID }
	for limit, want := range map[int][]string{10: {"often", "a", "b"}, 2: {"often", "a"}, 0: nil, -1: nil} {
		list, err := s.FailingEffects(ctx, limit)
		equalIDs(t, list, err, effectID, want, "failing effects")
	}
}

func testOldestEffect(t *testing.T, s billingStore) {
	ctx := t.Context()
	check := func(want string) {
		t.Helper()
		got, err := s.OldestEffect(ctx)
		if want == "" {
			wantErr(t, err, storage.ErrNotFound, "the oldest of no effects")
			return
		}
		ok(t, err)
		equalEffect(t, got, effect(t, s, want), "the oldest effect")
	}
	add := func(id string, created, done time.Time) {
		t.Helper()
		e := fullEffect(id)
		e.CreatedAt, e.DoneAt, e.DueAt = created, done, now.Add(-created.Sub(now)) // due the other way round
		ok(t, s.CreateEffect(ctx, e))
	}
	check("")
	add("done", lastMonth, now)
	check("")
	add("new", now.Add(time.Hour), time.Time{})
	check("new")
	add("old", now.Add(-time.Hour), time.Time{})
	check("old")
	add("middle", now, time.Time{})
	check("old")
	_, err := s.UpdateEffect(ctx, "old", func(e *storage.Effect) error { e.DoneAt = now; return nil })
	ok(t, err)
	check("middle")
}

func testDeleteEffects(t *testing.T, s billingStore) {
	ctx := t.Context()
	for id, done := range map[string]time.Time{
		"1": now.Add(-time.Hour), "2": now.Add(-time.Microsecond), "3": now, "4": now.Add(time.Hour), "5": {},
	} {
		e := newEffect(id)
		e.CreatedAt, e.DoneAt = lastMonth, done
		ok(t, s.CreateEffect(ctx, e))
	}
	for _, want := range []int{2, 0} {
		n, err := s.DeleteEffects(ctx, now)
		ok(t, err)
		equal(t, n, want, "number of deleted effects")
	}
	for id, want := range map[string]error{"1": storage.ErrNotFound, "2": storage.ErrNotFound, "3": nil, "4": nil, "5": nil} {
		_, err := s.UpdateEffect(ctx, id, func(*storage.Effect) error { return nil })
		wantErr(t, err, want, "effect "+id)
	}
}

func equalEffect(t *testing.T, got, want storage.Effect, what string) {
	t.Helper()
	equalEffects(t, []storage.Effect{got}, []storage.Effect{want}, what)
}

func equalEffects(t *testing.T, got, want []storage.Effect, what string) {
	t.Helper()
	equalRecords(t, got, want, func(e *storage.Effect) *json.RawMessage { return &e.Data }, what)
}
