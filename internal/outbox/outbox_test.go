package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/heycmo/heycmo-go/internal/outbox"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

func open(t *testing.T) (storage.Store, storage.Effects) {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	effects, ok := storage.RoleOf[storage.Effects](s)
	if !ok {
		t.Fatal("the store keeps no effects")
	}
	return s, effects
}

func put(t *testing.T, s storage.Effects, id, kind string) {
	t.Helper()
	now := storage.Now()
	e := storage.Effect{ID: id, Kind: kind, Data: json.RawMessage(`{}`), CreatedAt: now, DueAt: now}
	if err := s.CreateEffect(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

func stored(t *testing.T, s storage.Effects, id string) (e storage.Effect) {
	t.Helper()
	e, err := s.UpdateEffect(t.Context(), id, func(*storage.Effect) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// soon makes an effect due now.
func soon(t *testing.T, s storage.Effects, id string) {
	t.Helper()
	if _, err := s.UpdateEffect(t.Context(), id, func(e *storage.Effect) error { e.DueAt = storage.Now(); return nil }); err != nil {
		t.Fatal(err)
	}
}

func TestEffectsAreDoneOnce(t *testing.T) {
	_, effects := open(t)
	var mu sync.Mutex
	done := map[string]int{}
	handlers := map[string]outbox.Handler{"greet": func(_ context.Context, e storage.Effect) error {
		mu.Lock()
		defer mu.Unlock()
		done[e.ID]++
		return nil
	}}
	for i := range 35 {
		put(t, effects, fmt.Sprint("e", i), "greet")
	}
	var wg sync.WaitGroup
	for range 4 { // replicas
		wg.Go(func() {
			w := outbox.New(effects, handlers, zap.NewNop())
			for more := true; more; {
				var err error
				if more, err = w.Work(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i := range 35 {
		if n := done[fmt.Sprint("e", i)]; n != 1 {
			t.Errorf("e%d was done %d times", i, n)
		}
	}
	if e := stored(t, effects, "e0"); e.DoneAt.IsZero() || e.Error != "" || e.Attempts != 1 {
		t.Errorf("afterwards it is %+v", e)
	}
}

func TestFailuresAreTriedAgainLater(t *testing.T) {
	_, effects := open(t)
	core, logged := observer.New(zap.WarnLevel)
	failure := errors.New("no route \x00 \xff" + strings.Repeat("é", 600))
	w := outbox.New(effects, map[string]outbox.Handler{"greet": func(context.Context, storage.Effect) error { return failure }}, zap.New(core))
	put(t, effects, "e", "greet")
	for attempt, want := range []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second} {
		before := time.Now()
		if _, err := w.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		e := stored(t, effects, "e")
		if got := e.DueAt.Sub(before); got < want || got > want+5*time.Second || e.Attempts != attempt+1 || !e.DoneAt.IsZero() {
			t.Errorf("after attempt %d it is due in %v, want %v: %+v", attempt+1, got, want, e)
		}
		if !strings.HasPrefix(e.Error, "no route") {
			t.Errorf("the error is %q", e.Error)
		}
		if _, err := w.Work(t.Context()); err != nil { // not before it is due
			t.Fatal(err)
		}
		soon(t, effects, "e")
	}
	for range 4 {
		if _, err := w.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		soon(t, effects, "e")
	}
	if n := logged.FilterLevelExact(zap.ErrorLevel).Len(); n != 1 {
		t.Errorf("%d alerts after 8 attempts", n)
	}
	failure = nil
	if _, err := w.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := stored(t, effects, "e"); e.DoneAt.IsZero() || e.Error != "" {
		t.Errorf("after it went well it is %+v", e)
	}
}

func TestWhatNeverWorksIsGivenUp(t *testing.T) {
	_, effects := open(t)
	core, logged := observer.New(zap.ErrorLevel)
	w := outbox.New(effects, map[string]outbox.Handler{
		"never": func(context.Context, storage.Effect) error { return fmt.Errorf("no such address: %w", outbox.ErrNever) },
		"panic": func(context.Context, storage.Effect) error { panic("on purpose") },
	}, zap.New(core))
	put(t, effects, "a", "never")
	put(t, effects, "b", "panic")
	put(t, effects, "c", "unknown")
	if _, err := w.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := stored(t, effects, "a"); e.DoneAt.IsZero() || e.Error == "" {
		t.Errorf("given up: %+v", e)
	}
	if e := stored(t, effects, "b"); !e.DoneAt.IsZero() || !strings.Contains(e.Error, "on purpose") {
		t.Errorf("after a panic: %+v", e)
	}
	if e := stored(t, effects, "c"); !e.DoneAt.IsZero() || !strings.Contains(e.Error, `no handler for "unknown"`) {
		t.Errorf("of an unknown kind: %+v", e)
	}
	if logged.Len() != 1 {
		t.Errorf("%d alerts, want the one that was given up", logged.Len())
	}
}

// One that doesn't return holds up nobody else.
func TestAHandlerThatHangs(t *testing.T) {
	_, effects := open(t)
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	w := outbox.New(effects, map[string]outbox.Handler{"hang": func(context.Context, storage.Effect) error {
		<-hold
		return nil
	}}, zap.NewNop())
	w.Limit(time.Millisecond)
	put(t, effects, "e", "hang")
	if _, err := w.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := stored(t, effects, "e"); !e.DoneAt.IsZero() || !strings.Contains(e.Error, "doesn't look at its context") {
		t.Errorf("afterwards it is %+v", e)
	}
}

// A stop in the middle is not a failure.
func TestAStopIsNoFailure(t *testing.T) {
	_, effects := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	w := outbox.New(effects, map[string]outbox.Handler{"greet": func(ctx context.Context, _ storage.Effect) error {
		cancel()
		return ctx.Err()
	}}, zap.NewNop())
	put(t, effects, "e", "greet")
	if _, err := w.Work(ctx); err != nil {
		t.Fatal(err)
	}
	if e := stored(t, effects, "e"); e.Attempts != 0 || !e.DoneAt.IsZero() || e.DueAt.After(time.Now()) {
		t.Errorf("afterwards it is %+v", e)
	}
}

func TestEventsAreHandedOut(t *testing.T) {
	bare, effects := open(t)
	s := outbox.WithEvents(bare)
	c := storage.Customer{ID: "ada", Status: storage.StatusActive}
	if err := s.CreateCustomer(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	mine := errors.New("my own reason")
	err := s.InTx(t.Context(), func(ctx context.Context, tx storage.Store) error {
		if err := storage.Record(ctx, tx, "ada", "undone", nil); err != nil {
			t.Error(err)
		}
		return mine
	})
	if !errors.Is(err, mine) {
		t.Fatal(err)
	}
	if err := storage.Record(t.Context(), s, "ada", "key.created", map[string]any{"n": 1}); err != nil {
		t.Fatal(err)
	}
	err = s.InTx(t.Context(), func(ctx context.Context, tx storage.Store) error {
		return storage.Record(ctx, tx, "ada", "key.rotated", nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := storage.Record(t.Context(), s, "nobody", "key.created", nil); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("an event of nobody: %v", err)
	}
	var mu sync.Mutex
	var got []string
	w := outbox.New(effects, map[string]outbox.Handler{outbox.KindEvent: func(_ context.Context, e storage.Effect) error {
		event, err := outbox.EventOf(e)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, fmt.Sprintf("%s %s %s %s", e.Customer, event.CustomerID, event.Type, event.Data))
		return err
	}}, zap.NewNop())
	if _, err := w.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if want := `ada ada key.created {"n":1}, ada ada key.rotated {}`; strings.Join(got, ", ") != want {
		t.Errorf("handed out %q, want %q", strings.Join(got, ", "), want)
	}
}
