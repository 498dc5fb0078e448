// Package heycmo puts a paid MCP service into a Go program: customers, API
// keys, rate limits, REST and MCP behind one http.Handler. By default it offers
// a marketing team.
//
//	store, err := sqlitestore.Open(ctx, "heycmo.db", nil)
//	if err != nil {
//		return err
//	}
//	srv, err := heycmo.New(store, nil)
//	if err != nil {
//		return err
//	}
//	go srv.Run(ctx)
//	mux.Handle("/", srv) // or: mux.Handle("/ai/", http.StripPrefix("/ai", srv))
//
// # Customers
//
// [Server.Admin] makes customers and keys from Go; /api/admin does the same over
// HTTP. A program with users of its own gives an [auth.Authenticator] and maps
// each user to a customer by an external ID.
//
// # What is sold
//
// [Options].Tools adds tools of the embedder's own, which are typed Go functions
// (see package agent). [Options].Catalog replaces the marketing team.
//
// # Agents
//
// [Options].Models has the catalog's agents do the work themselves, in runs that are
// recorded and kept within [Options].Budget. Without it they give briefs, which the
// client's own model carries out.
//
// # Billing
//
// [Options].Billing sells plans through a payment company, keeps customers within
// their quotas, and lets in who has paid. [Options].Notifier tells customers about
// it, and [Options].OnEvent the embedder's own program. [Server.Run] must be running.
//
// # Stopping
//
// [http.Server.Shutdown] waits for open streams, so they must be told:
//
//	hs.RegisterOnShutdown(srv.CloseStreams)
//	...
//	err := errors.Join(hs.Shutdown(ctx), srv.Shutdown(ctx), store.Close())
//
// The host closes nothing that it did not open, and touches no signals, flags,
// environment or global loggers.
package heycmo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/dashboard"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/internal/outbox"
	"github.com/heycmo/heycmo-go/internal/recent"
	"github.com/heycmo/heycmo-go/internal/rest"
	"github.com/heycmo/heycmo-go/internal/usage"
	"github.com/heycmo/heycmo-go/marketing"
	"github.com/heycmo/heycmo-go/mcp"
	"github.com/heycmo/heycmo-go/ratelimit"
	"github.com/heycmo/heycmo-go/storage"
)

// Version is the version of this module, as clients see it.
const Version = "0.1.0"

// ErrClosed says that the server has been shut down.
var ErrClosed = errors.New("heycmo: the server is closed")

// Server is a host. It is an [http.Handler] for the whole of it; REST and MCP
// are its faces for those who mount them apart, each at the root of the same
// path prefix.
type Server struct {
	app   *app.App
	mcp   *mcp.Handler
	pages *dashboard.Handler // nil without
	outer func(http.Handler) http.Handler
	all   http.Handler

	outbox    *outbox.Worker   // may be nil
	reporting *usage.Reporting // may be nil

	mu     sync.Mutex
	closed bool
	cancel context.CancelFunc // of Run
	done   chan struct{}      // closed when Run has returned
}

// New returns a host that keeps its records in store. It starts nothing and
// asks the store for nothing. The error names every option that makes no sense.
func New(store storage.Store, opts *Options) (*Server, error) {
	if store == nil {
		return nil, errors.New("heycmo: the store is nil")
	}
	var o Options
	if opts != nil {
		o = *opts
	}
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("heycmo: %w", err)
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.OnEvent != nil {
		if _, ok := storage.RoleOf[storage.Effects](store); !ok {
			return nil, errors.New("heycmo: the store has no storage.Effects, which OnEvent needs")
		}
		store = outbox.WithEvents(store)
	}
	known := recent.New(store)
	if o.Authenticator == nil {
		o.Authenticator = auth.Keys(known)
	}
	if local := ratelimit.NewMemory(nil); o.Limiter == nil {
		o.Limiter = local
	} else {
		o.Limiter = ratelimit.WithFallback(o.Limiter, local, o.Log)
	}
	catalog, err := o.catalog(known)
	if err != nil {
		return nil, fmt.Errorf("heycmo: %w", err)
	}
	secrets, err := o.sessionSecrets()
	if err != nil {
		return nil, fmt.Errorf("heycmo: %w", err)
	}
	s := &Server{}
	flow, err := o.runner(s, known, catalog)
	if err != nil {
		return nil, fmt.Errorf("heycmo: %w", err)
	}
	onboards := flow != nil && flow.Onboarding() != nil
	subscriptions, err := o.subscriptions(s, known, onboards)
	if err != nil {
		return nil, fmt.Errorf("heycmo: %w", err)
	}
	connections, err := o.connections(s, known)
	if err != nil {
		return nil, fmt.Errorf("heycmo: %w", err)
	}
	meter, err := o.meter(known, subscriptions)
	if err != nil {
		return nil, fmt.Errorf("heycmo: %w", err)
	}
	config := app.Config{
		Store:          known,
		Authenticator:  o.Authenticator,
		Limiter:        o.Limiter,
		Limits:         o.Limits.scopes(),
		AdminKeys:      o.AdminKeys,
		TrustedProxies: o.TrustedProxies,
		Catalog:        catalog,
		Subscriptions:  subscriptions,
		Usage:          meter,
		Models:         o.Models,
		Budget:         o.Budget,
		Runner:         flow,
		Inngest:        o.inngest(flow),
		Connections:    connections,
		PublicURL:      strings.TrimSuffix(o.PublicURL, "/"),
		Dashboard:      o.Dashboard == nil || !o.Dashboard.Off,
		Log:            o.Log,
		Version:        Version,
	}
	if subscriptions != nil {
		config.PlanOf = subscriptions.PlanOf
	}
	if len(o.Models) > 0 || flow != nil {
		var ok bool
		if config.Runs, ok = storage.RoleOf[storage.Runs](known); !ok {
			return nil, errors.New("heycmo: the store has no storage.Runs, which Models needs")
		}
	}
	s.app = app.New(config)
	public, _ := url.Parse(o.PublicURL)
	face := mcp.Config{Secrets: secrets, BasePath: strings.TrimSuffix(public.Path, "/"), Origins: o.AllowedOrigins}
	if public.Host != "" {
		face.Hosts = []string{mcp.CanonicalHost(public.Host)}
	}
	if s.mcp, err = mcp.New(s.app, face, o.MCP); err != nil {
		return nil, fmt.Errorf("heycmo: %w", err)
	}
	if s.outer, err = s.middleware(&o); err != nil {
		return nil, fmt.Errorf("heycmo: %w", err)
	}
	_, product := s.mcp.Name()
	if config.Dashboard {
		look := dashboard.Config{Title: product}
		if o.Dashboard != nil {
			look.Templates, look.Style = o.Dashboard.Templates, o.Dashboard.Style
		}
		if s.pages, err = dashboard.New(s.app, look); err != nil {
			return nil, fmt.Errorf("heycmo: %w", err)
		}
		s.app.Pages = s.pages
	}
	s.all = s.routes(strings.TrimSuffix(o.PublicURL, "/"))
	s.outbox, s.reporting = o.outbox(s.app, known, subscriptions, flow, connections, product), o.reporting(known, subscriptions)
	return s, nil
}

// catalog returns everything that the host offers.
func (o *Options) catalog(store storage.Store) (*agent.Catalog, error) {
	c := o.Catalog
	if c == nil {
		var m marketing.Options
		if o.Marketing != nil {
			m = *o.Marketing
		}
		m.Models = len(o.Models) > 0
		for _, p := range o.Platforms {
			if p.Connector != nil {
				m.Platforms = append(m.Platforms, p.ID)
			}
		}
		var err error
		if c, err = marketing.New(store, &m); err != nil {
			return nil, err
		}
	}
	all := *c
	all.Tools = append(append([]*agent.Tool{}, c.Tools...), o.Tools...)
	if err := all.Validate(); err != nil {
		return nil, err
	}
	return &all, nil
}

// Run does the host's background work until ctx ends or Shutdown is called: it
// runs workflows, closes the streams of customers who lost access on another replica, keeps count of
// when keys were used and what was used, reads from the payment provider what was
// heard of, and hands out events and notices. Each replica runs it once. It returns
// ErrClosed after Shutdown, the error of the workflow engine when that can't start, and
// the context's error otherwise.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.mu.Lock()
	switch {
	case s.closed:
		s.mu.Unlock()
		return ErrClosed
	case s.done != nil:
		s.mu.Unlock()
		return errors.New("heycmo: Run is running already")
	}
	done := make(chan struct{})
	s.cancel, s.done = cancel, done
	s.mu.Unlock()

	err := s.work(ctx)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = nil
	close(done)
	if s.closed {
		return ErrClosed
	}
	return cmp.Or(err, ctx.Err())
}

// work does everything that goes on beside requests until ctx ends. The error says that
// it can't begin.
func (s *Server) work(ctx context.Context) error {
	if s.app.Runner != nil {
		if s.app.Runner.Volatile() {
			s.app.Log.Warn("workflows run in memory: their runs end with this process, see Options.Engine")
		}
		if err := s.app.Runner.Start(ctx); err != nil {
			return fmt.Errorf("heycmo: workflows: %w", err)
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { s.app.Run(ctx) })
	if s.app.Runner != nil {
		wg.Go(func() { s.app.Runner.Run(ctx) })
	}
	if s.app.Subscriptions != nil {
		wg.Go(func() { s.app.Subscriptions.Run(ctx) })
	}
	if s.outbox != nil {
		wg.Go(func() { s.outbox.Run(ctx) })
	}
	if s.reporting != nil {
		wg.Go(func() { s.reporting.Run(ctx) })
	}
	wg.Wait()
	return nil
}

// CloseStreams lets no more MCP requests in, gives running calls a short while
// to finish ([mcp.Options].DrainTimeout) and closes every open stream. Register
// it with [http.Server.RegisterOnShutdown].
func (s *Server) CloseStreams() {
	if s.pages != nil {
		s.pages.CloseStreams()
	}
	s.mcp.CloseStreams()
}

// Shutdown ends the host: it closes streams as CloseStreams does, with the time
// that ctx gives, ends Run, and stores what was not stored yet. Requests that
// come later are answered with 503. It can be called often. The error tells what
// was cut off.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	cancel, done := s.cancel, s.done
	s.mu.Unlock()
	if s.pages != nil {
		s.pages.CloseStreams()
	}
	err := s.mcp.Shutdown(ctx)
	if done != nil {
		cancel()
		select {
		case <-done:
		case <-ctx.Done(): // OnEvent or a Notifier doesn't look at its context
			err = errors.Join(err, ctx.Err())
		}
	}
	flush, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer stop()
	if s.app.Runner != nil {
		err = errors.Join(err, s.app.Runner.Close(flush))
	}
	return errors.Join(err, s.app.FlushKeyUse(flush), s.app.FlushUsage(flush))
}

// ResourceUpdated tells the customer's clients that watch the resource at uri that
// it has changed. Tools of the catalog call [agent.Updated] instead. It reaches
// the connections of this replica.
func (s *Server) ResourceUpdated(customer storage.CustomerID, uri string) {
	s.app.ResourceUpdated(customer, uri)
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// ServeHTTP serves everything.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.all.ServeHTTP(w, r) }

// Dashboard returns the handler of /dashboard and /operator, or nil when
// [Options].Dashboard leaves them out.
func (s *Server) Dashboard() http.Handler {
	if s.pages == nil {
		return nil
	}
	return s.outer(s.pages)
}

// REST returns the handler of /api and /openapi.json.
func (s *Server) REST() http.Handler { return s.outer(rest.New(s.app)) }

// MCP returns the handler of /mcp, /mcp/sse and /mcp/message.
func (s *Server) MCP() http.Handler { return s.outer(s.mcp) }

var errClosed = httpx.Status(http.StatusServiceUnavailable, "the server is shutting down; try again").WithHeader("Retry-After", "2")
