package inngestengine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
	"github.com/heycmo/heycmo-go/workflow"
	"github.com/heycmo/heycmo-go/workflow/inngestengine"
	"github.com/heycmo/heycmo-go/workflow/inngestengine/inngesttest"
)

// counted is a workflow that counts its steps.
func counted(n *int) workflow.Definition {
	return workflow.Definition{Name: "work", Run: func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		return c.Step("one", func(context.Context) (json.RawMessage, error) { *n++; return nil, nil }, workflow.StepOptions{})
	}}
}

// callOf is a call for a run of customer ada that the app would take.
const callOf = `{"event":{"name":"heycmo/work.requested","data":{"customer":"ada","run":{"Workflow":"work","ID":"forged","Input":null}}},"events":[],"steps":{},"ctx":{"run_id":"r","attempt":0}}`

func (h *house) post(t *testing.T, body string, header map[string]string) (status int, text string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/inngest?fnId=heycmo-work&stepId=step", strings.NewReader(body))
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// silent has an app whose Inngest takes everything and calls nothing, and which was
// asked for the runs.
func silent(t *testing.T, d workflow.Definition, fallback string, runs ...string) *house {
	t.Helper()
	inngest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	t.Cleanup(inngest.Close)
	h := newHouse(t, inngesttest.Options{SigningKey: key}, func(o *inngestengine.Options) { o.SigningKeyFallback, o.URL = fallback, inngest.URL })
	if err := h.Start(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	for _, id := range runs {
		if err := h.Trigger(t.Context(), "ada", workflow.Run{Workflow: "work", ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestSignatures(t *testing.T) {
	steps := 0
	h := silent(t, counted(&steps), otherKey, "forged")
	now, body := time.Now(), []byte(callOf)
	sign := func(k string, at time.Time) string { return inngesttest.Sign(k, body, at) }
	for name, signature := range map[string]string{
		"none": "", "garbage": "x", "only a time": "t=1", "another key": sign("signkey-test-00", now), "an empty key": sign("", now),
		"an empty key with a prefix": sign("signkey-test-", now), "old": sign(key, now.Add(-6*time.Minute)), "future": sign(key, now.Add(6*time.Minute)),
		"another body": inngesttest.Sign(key, []byte("{}"), now), "two times": sign(key, now) + "&t=1", "of no hex": "t=1&s=zz",
		"cut": sign(key, now)[:40],
	} {
		for _, method := range []string{http.MethodPost, http.MethodPut} {
			r := httptest.NewRequestWithContext(t.Context(), method, "/api/inngest?fnId=heycmo-work", bytes.NewReader(body))
			r.Header.Set("X-Inngest-Signature", signature)
			r.Header.Set("X-Inngest-Server-Kind", "dev")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), `{"error":`) {
				t.Errorf("%s signed with %s: %d %s", method, name, w.Code, w.Body)
			}
		}
	}
	// Without a second key, an empty one is still no key.
	alone := silent(t, counted(&steps), "", "forged")
	for _, k := range []string{"", "signkey-test-", otherKey} {
		if status, text := alone.post(t, callOf, map[string]string{"X-Inngest-Signature": sign(k, now)}); status != http.StatusUnauthorized {
			t.Errorf("signed with %q: %d %s", k, status, text)
		}
	}
	if steps != 0 {
		t.Fatalf("%d steps were carried out", steps)
	}
	for name, k := range map[string]string{"the key": key, "the other key": otherKey} {
		before := steps
		if status, text := h.post(t, callOf, map[string]string{"X-Inngest-Signature": sign(k, now.Add(-4*time.Minute))}); status != http.StatusPartialContent || steps != before+1 {
			t.Errorf("signed with %s: %d %s", name, status, text)
		}
	}
}

func TestInspection(t *testing.T) {
	steps := 0
	h := patient{newHouse(t, inngesttest.Options{SigningKey: key}, nil)}
	if err := h.Start(t.Context(), counted(&steps)); err != nil {
		t.Fatal(err)
	}
	get := func(signature string) string {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/inngest", http.NoBody)
		r.Header.Set("X-Inngest-Signature", signature)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK || w.Header().Get("X-Inngest-Sdk") == "" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		return w.Body.String()
	}
	const public = `{"function_count":1,"has_event_key":true,"has_signing_key":true,"mode":"cloud"}`
	for _, signature := range []string{"", "t=1&s=00"} {
		if got := get(signature); got != public {
			t.Errorf("unsigned: %s", got)
		}
	}
	if got := get(inngesttest.Sign(key, nil, time.Now())); !strings.Contains(got, `"signing_key_hash":"signkey-test-`) || strings.Contains(got, "0123456789abcdef") {
		t.Errorf("signed: %s", got)
	}
}

// Whoever asks, Inngest is told the address that was set.
func TestSyncKeepsTheAddress(t *testing.T) {
	steps := 0
	h := patient{newHouse(t, inngesttest.Options{SigningKey: key}, nil)}
	h.Schedule(workflow.Schedule{Name: "work", Cron: "0 8 * * *"})
	if err := h.Start(t.Context(), counted(&steps)); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "http://evil.example/api/inngest?deployId=d", http.NoBody)
	r.Header.Set("X-Forwarded-Host", "evil.example")
	r.Header.Set("X-Inngest-Signature", inngesttest.Sign(key, nil, time.Now()))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Body.String() != `{"message":"Successfully synced.","modified":true}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	functions := h.inngest.Functions()
	if len(functions) != 2 {
		t.Fatalf("functions: %+v", functions)
	}
	for _, f := range functions {
		if url := f.Steps["step"].Runtime.URL; !strings.HasPrefix(url, h.app.URL+"/api/inngest?fnId=heycmo-") {
			t.Errorf("%s is at %s", f.ID, url)
		}
	}
	r.Header.Set("X-Inngest-Sync-Kind", "in_band")
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"functions":[`) || w.Header().Get("X-Inngest-Signature") == "" {
		t.Errorf("in band: %d %s", w.Code, w.Body)
	}
}

func TestBadCalls(t *testing.T) {
	steps := 0
	h := patient{newHouse(t, inngesttest.Options{SigningKey: key}, nil)}
	before, text := h.post(t, callOf, map[string]string{"X-Inngest-Signature": inngesttest.Sign(key, []byte(callOf), time.Now())})
	if before != http.StatusServiceUnavailable {
		t.Errorf("before the start: %d %s", before, text)
	}
	h = patient{silent(t, counted(&steps), "", "forged", "broken")}
	for body, want := range map[string]int{
		"": 400, "{": 400, "[]": 400, "{}": 400, `{"event":{"data":{"customer":"ada","run":{"Workflow":"other","ID":"a"}}}}`: 400,
		`{"event":{"data":{"customer":"ada","run":{"Workflow":"work","ID":""}}}}`: 400,
		strings.Repeat(" ", 8<<20+1): 413,
		strings.NewReplacer(`"steps":{}`, `"steps":{"fe05bcdcdc4928012781a5f1a2a77cbb5398e106":1}`, "forged", "broken").Replace(callOf): 400,
	} {
		if got, text := h.post(t, body, map[string]string{"X-Inngest-Signature": inngesttest.Sign(key, []byte(body), time.Now())}); got != want {
			t.Errorf("%.80s: %d %s, want %d", body, got, text, want)
		}
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "/api/inngest", http.NoBody)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", w.Code)
	}
}

func TestStateThatWasLeftOut(t *testing.T) {
	h := patient{newHouse(t, inngesttest.Options{SigningKey: key, MaxState: 10}, nil)}
	did := map[string]int{}
	ended := make(chan struct{}, 1)
	err := h.Start(t.Context(), workflow.Definition{Name: "work", Run: func(c workflow.Context, _ json.RawMessage) (json.RawMessage, error) {
		for _, name := range []string{"one", "two", "three"} {
			_, err := c.Step(name, func(context.Context) (json.RawMessage, error) {
				did[name]++
				return json.RawMessage(`"a result of some length"`), nil
			}, workflow.StepOptions{})
			if err != nil {
				return nil, err
			}
		}
		ended <- struct{}{}
		return nil, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Trigger(t.Context(), "ada", workflow.Run{Workflow: "work", ID: "first"}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Fatal("the run doesn't end")
	}
	if did["one"] != 1 || did["two"] != 1 || did["three"] != 1 || h.inngest.Fetched() == 0 {
		t.Errorf("steps: %v, fetched %d times", did, h.inngest.Fetched())
	}
}

func TestSchedules(t *testing.T) {
	h := patient{newHouse(t, inngesttest.Options{SigningKey: key}, nil)}
	ticks, fail := make(chan time.Time, 10), true
	h.Schedule(workflow.Schedule{Name: "work", Cron: "0 8 * * *", Tick: func(_ context.Context, slot time.Time) error {
		if fail { // it is called again
			fail = false
			return io.ErrUnexpectedEOF
		}
		ticks <- slot
		return nil
	}})
	steps := 0
	if err := h.Start(t.Context(), counted(&steps)); err != nil {
		t.Fatal(err)
	}
	h.inngest.Tick("0 8 * * *", time.Date(2026, 11, 26, 8, 0, 0, 123456, time.UTC))
	select {
	case got := <-ticks:
		if !got.Equal(time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)) {
			t.Errorf("tick for %s", got)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("no tick")
	}
}

// An event that could not be sent is sent by the next trigger, and never twice.
func TestEventsAreSentOnce(t *testing.T) {
	steps := 0
	h := patient{newHouse(t, inngesttest.Options{SigningKey: key}, nil)}
	if err := h.Start(t.Context(), counted(&steps)); err != nil {
		t.Fatal(err)
	}
	down, err := inngestengine.New(h.store, inngestengine.Options{SigningKey: key, EventKey: "secret-event-key", URL: "http://127.0.0.1:1", ServeURL: h.app.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := down.Start(t.Context(), counted(&steps)); err != nil {
		t.Fatal(err)
	}
	run := workflow.Run{Workflow: "work", ID: "first"}
	if err := down.Trigger(t.Context(), "ada", run); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("Inngest is down: %v", err)
	}
	for range 3 {
		if err := h.Trigger(t.Context(), "ada", run); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(h.inngest.Events()); n != 1 {
		t.Errorf("%d events", n)
	}
	if err := down.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	good := inngestengine.Options{SigningKey: key, EventKey: "e", ServeURL: "https://example.com/api/inngest"}
	for want, spoil := range map[string]func(*inngestengine.Options){
		"SigningKey":         func(o *inngestengine.Options) { o.SigningKey = "" },
		"SigningKey is":      func(o *inngestengine.Options) { o.SigningKey = "signkey-prod-" },
		"EventKey":           func(o *inngestengine.Options) { o.EventKey = "" },
		"ServeURL":           func(o *inngestengine.Options) { o.ServeURL = "" },
		"ServeURL must":      func(o *inngestengine.Options) { o.ServeURL = "/api/inngest" },
		"SigningKeyFallback": func(o *inngestengine.Options) { o.SigningKeyFallback = "signkey-prod-" },
	} {
		o := good
		spoil(&o)
		if _, err := inngestengine.New(store, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
	if _, err := inngestengine.New(storage.Store(nil), good); err == nil {
		t.Error("no store is taken")
	}
}

func FuzzCall(f *testing.F) {
	f.Add([]byte(callOf))
	f.Add([]byte(`{"steps":{"x":null},"ctx":{"use_api":false}}`))
	store, err := sqlitestore.Open(context.Background(), sqlitestore.Memory, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = store.Close() })
	e, err := inngestengine.New(store, inngestengine.Options{Dev: true, URL: "http://127.0.0.1:1", ServeURL: "http://127.0.0.1:1"})
	if err != nil {
		f.Fatal(err)
	}
	steps := 0
	if err := e.Start(context.Background(), counted(&steps)); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = e.Close(context.Background()) })
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/inngest?fnId=heycmo-work", bytes.NewReader(body))
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code < 200 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
