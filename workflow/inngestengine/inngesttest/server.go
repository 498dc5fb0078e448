// Package inngesttest has an Inngest server for tests: it takes events and functions,
// calls the app step by step, remembers, retries, sleeps and waits, and signs what it
// sends.
//
//	server := inngesttest.NewServer(inngesttest.Options{SigningKey: key})
//	defer server.Close()
//	engine, err := inngestengine.New(store, inngestengine.Options{URL: server.URL, SigningKey: key, EventKey: "test", ServeURL: app.URL})
//
// It keeps to the public SDK specification. Of expressions it understands comparisons of
// async.data with texts, put together with && and ||.
package inngesttest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options are what may be set.
type Options struct {
	// SigningKey signs calls, and is expected of the app; empty: as the dev server,
	// without signatures.
	SigningKey string
	// MaxState is how many bytes of steps a call holds; what is larger has to be fetched.
	// Default 4 MB.
	MaxState int
}

// Server is an Inngest server.
type Server struct {
	*httptest.Server
	options Options
	client  *http.Client
	runs    sync.WaitGroup
	stop    chan struct{}

	mu         sync.Mutex
	functions  []Function
	registered sync.Once
	ready      chan struct{}
	seen       map[string]bool // IDs of events
	events     []Event
	waiting    []*waiter
	live       map[string]*run
	fetched    int
}

// Event is an event as the app sent it.
type Event struct {
	ID   string          `json:"id"`
	Name string          `json:"name"`
	Data json.RawMessage `json:"data"`
	TS   int64           `json:"ts"`
}

// Function is a function as the app described it.
type Function struct {
	ID       string `json:"id"`
	Triggers []struct {
		Event string `json:"event"`
		Cron  string `json:"cron"`
	} `json:"triggers"`
	Steps map[string]struct {
		Runtime struct {
			URL string `json:"url"`
		} `json:"runtime"`
		Retries struct {
			Attempts int `json:"attempts"`
		} `json:"retries"`
	} `json:"steps"`
}

// NewServer starts a server. Close stops it.
func NewServer(o Options) *Server {
	if o.MaxState == 0 {
		o.MaxState = 4 << 20
	}
	s := &Server{
		options: o, client: &http.Client{Timeout: time.Minute}, stop: make(chan struct{}), ready: make(chan struct{}), seen: map[string]bool{}, live: map[string]*run{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /e/{key}", s.takeEvents)
	mux.HandleFunc("POST /fn/register", s.register)
	mux.HandleFunc("GET /v0/runs/{run}/batch", s.batch)
	mux.HandleFunc("GET /v0/runs/{run}/actions", s.actions)
	s.Server = httptest.NewServer(mux)
	return s
}

// Close ends all runs and the server.
func (s *Server) Close() {
	s.mu.Lock()
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	s.mu.Unlock()
	s.runs.Wait()
	s.client.CloseIdleConnections()
	s.Server.Close()
}

// Functions returns what the app told of its functions.
func (s *Server) Functions() []Function {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.functions)
}

// Registered returns a channel that is closed once an app has told of its functions.
func (s *Server) Registered() <-chan struct{} { return s.ready }

// Events returns all events that came.
func (s *Server) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// Fetched returns how often the app fetched the state of a run.
func (s *Server) Fetched() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetched
}

// Tick has the functions with this cron expression called for a time.
func (s *Server) Tick(cron string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, _ := json.Marshal(map[string]string{"cron": cron}) // such texts never fail
	for _, f := range s.functions {
		for _, t := range f.Triggers {
			if t.Cron == cron {
				s.begin(f, Event{Name: "inngest/scheduled.timer", Data: data, TS: at.UnixMilli()})
			}
		}
	}
}

func (s *Server) authorised(w http.ResponseWriter, r *http.Request) bool {
	if s.options.SigningKey == "" || r.Header.Get("Authorization") == "Bearer "+bearerOf(s.options.SigningKey) {
		return true
	}
	http.Error(w, `{"error":"wrong signing key"}`, http.StatusUnauthorized)
	return false
}

func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	if !s.authorised(w, r) {
		return
	}
	var app struct {
		URL       string     `json:"url"`
		Functions []Function `json:"functions"`
	}
	if err := json.NewDecoder(r.Body).Decode(&app); err != nil || r.Header.Get("X-Inngest-Sdk") == "" {
		http.Error(w, `{"error":"no app"}`, http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.functions = app.Functions
	s.registered.Do(func() { close(s.ready) })
	s.mu.Unlock()
	_, _ = io.WriteString(w, `{"ok":true,"modified":true}`)
}

func (s *Server) takeEvents(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var events []Event
	if strings.HasPrefix(strings.TrimSpace(string(body)), "[") {
		err = json.Unmarshal(body, &events)
	} else {
		events = make([]Event, 1)
		err = json.Unmarshal(body, &events[0])
	}
	if err != nil {
		http.Error(w, `{"error":"no events"}`, http.StatusBadRequest)
		return
	}
	for _, e := range events {
		s.take(e)
	}
	_, _ = fmt.Fprintf(w, `{"status":200,"ids":[%q]}`, events[0].ID)
}

// take begins the runs that an event triggers, and wakes those that wait for it.
func (s *Server) take(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	if e.ID != "" && s.seen[e.ID] {
		return
	}
	s.seen[e.ID] = e.ID != ""
	for _, f := range s.functions {
		for _, t := range f.Triggers {
			if t.Event == e.Name {
				s.begin(f, e)
			}
		}
	}
	s.waiting = slices.DeleteFunc(s.waiting, func(w *waiter) bool {
		if w.event != e.Name || !matches(w.expression, e.Data) {
			return false
		}
		w.came <- e
		return true
	})
}

// state answers an app that fetches what a call left out.
func (s *Server) state(w http.ResponseWriter, r *http.Request, of func(*run) any) {
	if !s.authorised(w, r) {
		return
	}
	s.mu.Lock()
	one := s.live[r.PathValue("run")]
	s.fetched++
	s.mu.Unlock()
	if one == nil {
		http.Error(w, `{"error":"no such run"}`, http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(of(one))
}

func (s *Server) batch(w http.ResponseWriter, r *http.Request) {
	s.state(w, r, func(one *run) any { return []Event{one.event} })
}

func (s *Server) actions(w http.ResponseWriter, r *http.Request) {
	s.state(w, r, func(one *run) any { return one.steps })
}
