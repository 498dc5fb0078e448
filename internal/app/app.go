// Package app holds the use cases of a host. REST, MCP and the dashboard are
// faces of it: a rule that must hold everywhere stands here, once.
package app

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/connection"
	"github.com/heycmo/heycmo-go/internal/recent"
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/internal/subscription"
	"github.com/heycmo/heycmo-go/internal/usage"
	"github.com/heycmo/heycmo-go/internal/worker"
	"github.com/heycmo/heycmo-go/ratelimit"
	"github.com/heycmo/heycmo-go/storage"
)

// Config is what an App works with. Every field is set but those that say they
// may be empty.
type Config struct {
	Store          *recent.Store
	Authenticator  auth.Authenticator
	Limiter        ratelimit.Limiter
	Limits         Limits
	AdminKeys      []string       // may be empty: nobody is an admin
	TrustedProxies []netip.Prefix // may be empty
	Catalog        *agent.Catalog
	Subscriptions  *subscription.Service // may be nil: a host without billing
	// Usage counts what customers use; may be nil: nothing is counted.
	Usage *usage.Meter
	// PlanOf returns a customer's plan, the zero Plan for one without. It is set
	// with Usage.
	PlanOf func(context.Context, storage.CustomerID) (billing.Plan, error)
	// Models do the work of the catalog's agents; empty: agents give briefs.
	Models agent.Models
	Budget agent.Budget
	// Runner runs the catalog's workflows; may be nil.
	Runner *runner.Runner
	// Inngest is the endpoint of the engine, when that has one; may be nil.
	Inngest http.Handler
	// Connections keeps customers' accounts at platforms; may be nil.
	Connections *connection.Service
	// Dashboard says that the host has pages for its customers, which Pages then are.
	Dashboard bool
	Pages     Pages
	// PublicURL is the address of the host where it isn't that of the request; may be empty.
	PublicURL string
	// Runs remembers what agents and workflows did; set with Models and Runner.
	Runs    storage.Runs
	Log     *zap.Logger
	Version string
}

// Pages is the face that writes pages.
type Pages interface {
	// Render writes the customer's first page for a caller with a key.
	Render(w http.ResponseWriter, r *http.Request, p auth.Principal) error
}

// App is a host without its faces.
type App struct {
	Config
	admins [][32]byte
	tools  map[string]*agent.Tool
	uses   map[string][]use // of tools, when they are counted
	worker *worker.Worker   // nil without models

	mu      sync.Mutex
	streams []Streams
	touched map[storage.KeyID]time.Time
	refused Webhooks
}

// New returns the use cases over c. It starts nothing.
func New(c Config) *App {
	a := &App{
		Config:  c,
		tools:   make(map[string]*agent.Tool, len(c.Catalog.Tools)),
		uses:    map[string][]use{},
		touched: map[storage.KeyID]time.Time{},
	}
	for _, key := range c.AdminKeys {
		a.admins = append(a.admins, digest(key))
	}
	a.offerUsage()
	a.offerAgents()
	a.offerWorkflows()
	a.offerRuns()
	a.offerConnections()
	a.offerDashboard()
	for _, t := range a.Catalog.Tools {
		a.tools[t.Name] = t
		a.uses[t.Name] = usesOf(t)
	}
	a.employ()
	return a
}

const (
	accessInterval = 2 * time.Second // keeps "refused within 5 s" on every replica, see recent.MaxAge
	touchInterval  = time.Minute     // as exact as what is stored
	sweepInterval  = time.Hour
)

// Run does the background work until ctx ends: it closes the streams of callers
// who lost access, records when keys were used, stores what customers used, and
// forgets keys that have expired, usage and runs that are old, and conversations that
// are over.
func (a *App) Run(ctx context.Context) {
	var metering sync.WaitGroup
	defer metering.Wait()
	if a.Usage != nil {
		metering.Go(func() { a.Usage.Run(ctx) })
	}
	access, touch, sweep := time.NewTicker(accessInterval), time.NewTicker(touchInterval), time.NewTicker(sweepInterval)
	defer access.Stop()
	defer touch.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-access.C:
			a.logFailure(ctx, "key refresh", a.Store.Refresh(ctx))
			a.logFailure(ctx, "access check", a.CheckAccess(ctx))
		case <-touch.C:
			a.logFailure(ctx, "key use", a.FlushKeyUse(ctx))
		case <-sweep.C:
			_, err := a.Store.DeleteExpiredKeys(ctx, storage.Now())
			a.logFailure(ctx, "key sweep", err)
			if a.Usage != nil {
				a.logFailure(ctx, "usage sweep", a.Usage.Sweep(ctx))
			}
			if a.Runs != nil {
				a.logFailure(ctx, "run sweep", a.sweepRuns(ctx))
			}
			if memories, ok := storage.RoleOf[storage.Memories](a.Store); ok {
				_, err := memories.DeleteExpiredMemories(ctx, storage.Now())
				a.logFailure(ctx, "memory sweep", err)
			}
		}
	}
}

func (a *App) logFailure(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		a.Log.Error("background work failed", zap.String("work", what), zap.Error(err))
	}
}
