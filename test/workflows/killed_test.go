package workflows_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/agenttest"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/internal/pgtest"
	"github.com/heycmo/heycmo-go/marketing"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/pgstore"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
	"github.com/heycmo/heycmo-go/workflow"
	"github.com/heycmo/heycmo-go/workflow/dbosengine"
)

const (
	childVariable = "HEYCMO_TEST_WORKFLOWS_CHILD"
	kills         = 20
)

// order is what a process that is to be killed is told.
type order struct {
	Path, DSN string // of the database: one of them
	Log       string // a file to which the model writes what it is asked
	Site      string
	// Round is the onboarding to begin, once the one before has ended.
	Round int
}

// TestKilledInStepTwo kills a process in the second step of an onboarding, again and
// again. The next process goes on with it: what was done isn't done again, and all end.
func TestKilledInStepTwo(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts 42 processes")
	}
	for name, o := range map[string]order{"SQLite": {Path: filepath.Join(t.TempDir(), "test.db")}, "PostgreSQL": {DSN: pgtest.DSN(t)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSlowSite(t)
			o.Site, o.Log = s.URL, filepath.Join(t.TempDir(), "log")
			for o.Round = range kills {
				victim := startChild(t, o)
				select {
				case <-s.reading(o.Round):
				case <-time.After(patience):
					t.Fatalf("round %d doesn't come to step two", o.Round)
				}
				time.Sleep(rand.N(40 * time.Millisecond)) // any moment of the step will do
				if err := victim.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				_ = victim.Wait()
				s.release(o.Round)
			}
			o.Round = kills // only ends what is under way
			if err := startChild(t, o).Wait(); err != nil {
				t.Fatal(err)
			}
			log, err := os.ReadFile(o.Log)
			if err != nil {
				t.Fatal(err)
			}
			for round := range kills {
				// Step two was cut off and carried out again, step three came once.
				if got := s.fetched(round); got != 3 {
					t.Errorf("round %d: the site was fetched %d times, want 3", round, got)
				}
				for _, what := range []string{"brand", "plan"} {
					if got := strings.Count(string(log), fmt.Sprintf("%s of round %d.\n", what, round)); got != 1 {
						t.Errorf("round %d: the %s was drafted %d times", round, what, got)
					}
				}
			}
		})
	}
}

func startChild(t *testing.T, o order) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// slowSite answers the first request for each page only once it is released.
type slowSite struct {
	*httptest.Server
	mu    sync.Mutex
	pages map[int]*slowPage
}

type slowPage struct {
	reading, released chan struct{}
	fetched           int
}

func newSlowSite(t *testing.T) *slowSite {
	s := &slowSite{pages: map[int]*slowPage{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var round int
		_, _ = fmt.Sscanf(r.URL.Path, "/round-%d", &round)
		p := s.page(round)
		s.mu.Lock()
		p.fetched++
		first := p.fetched == 1
		s.mu.Unlock()
		if first {
			close(p.reading)
			<-p.released
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, page)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *slowSite) page(round int) *slowPage {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pages[round] == nil {
		s.pages[round] = &slowPage{reading: make(chan struct{}), released: make(chan struct{})}
	}
	return s.pages[round]
}

func (s *slowSite) reading(round int) <-chan struct{} { return s.page(round).reading }
func (s *slowSite) release(round int)                 { close(s.page(round).released) }

func (s *slowSite) fetched(round int) int {
	p := s.page(round)
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.fetched
}

func childOrder() string { return os.Getenv(childVariable) }

// runChild is the process that is killed.
func runChild(text string) {
	if err := work(text); err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func work(text string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	store, engine, err := o.open(ctx)
	if err != nil {
		return err
	}
	srv, err := heycmo.New(store, &heycmo.Options{
		Engine: engine, Limits: heycmo.Limits{REST: -1},
		Models:    agent.Models{agent.TierStandard: {Model: o.model(), Name: "m-1"}},
		Marketing: &marketing.Options{AllowPrivateAddresses: true},
		Authenticator: auth.Func(func(r *http.Request) (auth.Principal, error) {
			return auth.Principal{ExternalID: r.Header.Get("X-Round")}, nil
		}),
	})
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Run(ctx) }()
	if o.Round > 0 {
		if err := o.finish(ctx, srv, o.Round-1); err != nil {
			return fmt.Errorf("round %d: %w", o.Round-1, err)
		}
	}
	if o.Round == kills {
		return nil
	}
	customer, err := srv.Admin().Provision(ctx, heycmo.NewCustomer{Email: "ada@example.com", ExternalID: roundID(o.Round)})
	if err != nil {
		return err
	}
	var started struct{ RunID string }
	body := object{"brandName": fmt.Sprintf("Brand of round %d.", o.Round), "website": fmt.Sprintf("%s/round-%d", o.Site, o.Round)}
	if err := ask(ctx, srv, o.Round, http.MethodPost, "/api/onboard/"+string(customer.Customer.ID), body, &started); err != nil {
		return err
	}
	return <-failed // it is killed before
}

func roundID(round int) string { return fmt.Sprintf("round-%d", round) }

func (o order) open(ctx context.Context) (storage.Store, workflow.Engine, error) {
	if o.Path != "" {
		store, err := sqlitestore.Open(ctx, o.Path, nil)
		if err != nil {
			return nil, nil, err
		}
		engine, err := dbosengine.OpenSQLite(o.Path, nil)
		return store, engine, err
	}
	store, err := pgstore.Open(ctx, o.DSN, nil)
	if err != nil {
		return nil, nil, err
	}
	engine, err := dbosengine.OpenPostgres(o.DSN, &dbosengine.Options{Executor: "the-same"})
	return store, engine, err
}

// model hands in drafts, and writes down that it was asked for them.
func (o order) model() agent.Model {
	return agenttest.ScriptFunc(func(_ int, r agent.ModelRequest) (agenttest.Answer, error) {
		what, args := "plan", `{"title":"Four weeks","body":"One piece a week."}`
		i := slices.IndexFunc(r.Tools, func(t *agent.Tool) bool { return t.Name == "hand_in" })
		if i < 0 {
			return agenttest.Answer{Text: "{}"}, nil
		}
		if _, ok := r.Tools[i].InputSchema().Properties["facts"]; ok {
			what, args = "brand", `{"offer":"Engines","audience":"People","voice":"Exact"}`
		}
		_, after, _ := strings.Cut(r.Messages[0].Text, "Brand of round ")
		round, _, _ := strings.Cut(after, ".")
		f, err := os.OpenFile(o.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return agenttest.Answer{}, err
		}
		_, err = fmt.Fprintf(f, "%s of round %s.\n", what, round)
		return agenttest.Answer{Calls: []agent.ToolCall{{ID: "1", Name: "hand_in", Arguments: json.RawMessage(args)}}}, errors.Join(err, f.Close())
	})
}

// ask sends a request to the host of this process.
func ask(ctx context.Context, srv *heycmo.Server, round int, method, path string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r := httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(data))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Round", roundID(round))
	if body == nil {
		r = httptest.NewRequestWithContext(ctx, method, path, http.NoBody)
		r.Header.Set("X-Round", roundID(round))
	}
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, r)
	if w.Code/100 != 2 {
		return fmt.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return json.Unmarshal(w.Body.Bytes(), into)
}

// finish approves what a round's run asks, until it has completed.
func (o order) finish(ctx context.Context, srv *heycmo.Server, round int) error {
	customer, err := srv.Admin().CustomerByExternalID(ctx, roundID(round))
	if err != nil {
		return err
	}
	id := string(customer.ID)
	for ctx.Err() == nil {
		var waiting struct{ Approvals []struct{ ID string } }
		if err := ask(ctx, srv, round, http.MethodGet, "/api/approvals/"+id+"?status=pending", nil, &waiting); err != nil {
			return err
		}
		for _, a := range waiting.Approvals {
			if err := ask(ctx, srv, round, http.MethodPost, "/api/approvals/"+id+"/"+a.ID, object{"decision": "approve"}, &struct{}{}); err != nil {
				return err
			}
		}
		var list struct {
			Runs []struct{ Workflow, Status, Error string }
		}
		if err := ask(ctx, srv, round, http.MethodGet, "/api/runs/"+id+"?workflow=onboarding", nil, &list); err != nil {
			return err
		}
		if len(list.Runs) == 1 && list.Runs[0].Status == "completed" {
			return nil
		}
		if len(list.Runs) != 1 || list.Runs[0].Status == "failed" {
			return fmt.Errorf("runs: %+v", list.Runs)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return ctx.Err()
}
