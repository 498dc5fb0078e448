// Package mcp is the face that MCP clients see. A host has one ready:
//
//	mux.Handle("/mcp", srv.MCP())
//	mux.Handle("/mcp/", srv.MCP())
//
// It serves two transports of the Model Context Protocol over one catalog of
// tools, prompts and resources: Streamable HTTP on /mcp, in every revision up to
// 2026-07-28, and HTTP+SSE (2024-11-05) on /mcp/sse and /mcp/message for older
// clients.
//
// Package mcp-go knows the protocol's methods. The transports are here: who is
// calling, whose session it is, how much and how fast, and how streams live and
// end. Nothing of a customer is kept in a session; everything hangs on the caller
// that each request proves.
package mcp

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"
	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
)

// Options tune the face. The zero value of a field is its default.
type Options struct {
	// Name and Title are how the server introduces itself; default "heycmo".
	Name, Title string
	// InBandThrottle answers a throttled POST /mcp/message with 202 and an error
	// on the stream, for clients that give up on any status but 2xx (the official
	// Go and Python SDKs). Default: 429.
	InBandThrottle bool
	// HijackStreams takes idle SSE streams of plain HTTP/1.1 connections away
	// from net/http, which saves most of their memory. Set it only where no
	// middleware outside of the host must see the stream. Default: off.
	HijackStreams bool
	// KeepAlive is how often a silent stream gets a comment; default 15 s.
	KeepAlive time.Duration
	// WriteTimeout is how long a client may take to accept one message before
	// its stream is closed; default 10 s.
	WriteTimeout time.Duration
	// BodyTimeout is how long a client may take to send one message; default 30 s.
	BodyTimeout time.Duration
	// CallTimeout ends a call that takes longer; default 10 minutes.
	CallTimeout time.Duration
	// DrainTimeout is how long running calls get to finish when streams are
	// closed; default 3 s.
	DrainTimeout time.Duration
	// MaxStreams and MaxStreamsPerCustomer cap open streams; default 20,000 and
	// 50.
	MaxStreams, MaxStreamsPerCustomer int
	// MaxCallsPerCustomer caps calls that run at the same time; default 50.
	MaxCallsPerCustomer int
	// MaxBody caps a request body, in bytes; default 1 MiB.
	MaxBody int64
	// MaxResult caps a tool's result, in bytes; default 4 MiB.
	MaxResult int
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "heycmo"
	}
	if o.Title == "" {
		o.Title = o.Name
	}
	o.KeepAlive = defaultTo(o.KeepAlive, 15*time.Second)
	o.WriteTimeout = defaultTo(o.WriteTimeout, 10*time.Second)
	o.BodyTimeout = defaultTo(o.BodyTimeout, 30*time.Second)
	o.CallTimeout = defaultTo(o.CallTimeout, 10*time.Minute)
	o.DrainTimeout = defaultTo(o.DrainTimeout, 3*time.Second)
	o.MaxStreams = defaultTo(o.MaxStreams, 20_000)
	o.MaxStreamsPerCustomer = defaultTo(o.MaxStreamsPerCustomer, 50)
	o.MaxCallsPerCustomer = defaultTo(o.MaxCallsPerCustomer, 50)
	o.MaxBody = defaultTo(o.MaxBody, 1<<20)
	o.MaxResult = defaultTo(o.MaxResult, 4<<20)
	return o
}

func defaultTo[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// Validate reports the first option that makes no sense.
func (o *Options) Validate() error {
	for _, f := range []struct {
		name string
		ok   bool
	}{
		{"KeepAlive", o.KeepAlive >= 0}, {"WriteTimeout", o.WriteTimeout >= 0},
		{"BodyTimeout", o.BodyTimeout >= 0}, {"CallTimeout", o.CallTimeout >= 0}, {"DrainTimeout", o.DrainTimeout >= 0},
		{"MaxStreams", o.MaxStreams >= 0}, {"MaxStreamsPerCustomer", o.MaxStreamsPerCustomer >= 0},
		{"MaxCallsPerCustomer", o.MaxCallsPerCustomer >= 0}, {"MaxBody", o.MaxBody >= 0}, {"MaxResult", o.MaxResult >= 0},
	} {
		if !f.ok {
			return errors.New("mcp: " + f.name + " must not be negative")
		}
	}
	return nil
}

// Config is what the host gives the face.
type Config struct {
	// Secrets sign session IDs, the first one new ones, each with at least 32
	// bytes. Replicas that share them, and a host that keeps them, know each
	// other's sessions.
	Secrets [][]byte
	// BasePath is the public path under which the host is mounted, when it can't
	// be seen from the request, such as "/ai"; may be empty.
	BasePath string
	// Hosts are the Host values to answer, as [CanonicalHost] has them; empty:
	// any.
	Hosts []string
	// Origins are the browser origins let in, beside pages of a loopback or
	// known host itself.
	Origins []string
}

// Handler serves MCP. Hosts make it; its paths begin with /mcp.
type Handler struct {
	app      *app.App
	opts     Options
	config   Config
	log      *zap.Logger
	server   *mcpserver.MCPServer
	ids      *sessionIDs
	kept     *lru.Cache[string, *session]
	registry *registry
	sse      *listeners
	asks     *asks
	running  *running
	workers  *workers
	// headerTools are the tools with arguments that travel in headers too.
	headerTools map[string]*mcpgo.Tool
	// about is the _meta of every result from 2026-07-28 on.
	about any
}

// New returns the face of a. It starts nothing.
func New(a *app.App, c Config, o *Options) (*Handler, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	if len(c.Secrets) == 0 || slices.ContainsFunc(c.Secrets, func(s []byte) bool { return len(s) < 32 }) {
		return nil, errors.New("mcp: there must be secrets of at least 32 bytes")
	}
	opts = opts.withDefaults()
	h := &Handler{
		app:      a,
		opts:     opts,
		config:   c,
		log:      a.Log.Named("mcp"),
		ids:      newSessionIDs(c.Secrets),
		registry: newRegistry(opts),
		sse:      newListeners(),
		asks:     newAsks(),
		running:  newRunning(),
		workers:  newWorkers(),

		headerTools: map[string]*mcpgo.Tool{},
		about: map[string]any{
			mcpgo.MetaKeyServerInfo: mcpgo.Implementation{Name: opts.Name, Version: a.Version, Title: opts.Title},
		},
	}
	h.kept, _ = lru.New[string, *session](maxKept) // fails for a size below 1 only
	var err error
	if h.server, err = h.newServer(); err != nil {
		return nil, err
	}
	a.Watch(h.registry)
	return h, nil
}

// Name returns how the server introduces itself.
func (h *Handler) Name() (name, title string) { return h.opts.Name, h.opts.Title }

// ServeHTTP serves /mcp, /mcp/sse and /mcp/message.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var serve func(http.ResponseWriter, *http.Request, caller) error
	allow := http.MethodPost
	switch r.URL.Path {
	case "/mcp":
		allow = "GET, POST, DELETE"
		switch r.Method {
		case http.MethodPost:
			serve = h.post
		case http.MethodGet:
			serve = h.listen
		case http.MethodDelete:
			serve = h.endSession
		}
	case "/mcp/sse":
		allow = http.MethodGet
		if r.Method == http.MethodGet {
			serve = h.openSSE
		}
	case "/mcp/message":
		if r.Method == http.MethodPost {
			serve = h.message
		}
	default:
		httpx.Error(w, r, httpx.Status(http.StatusNotFound, "there is nothing at this path"))
		return
	}
	if serve == nil {
		httpx.Error(w, r, httpx.Status(http.StatusMethodNotAllowed, "method not allowed").WithHeader("Allow", allow))
		return
	}
	r, c, err := h.admit(w, r)
	if err == nil {
		err = serve(w, r, c)
	}
	switch problem := new(errMessage); {
	case errors.As(err, problem):
		problem.write(w)
	case err != nil:
		httpx.Error(w, r, err)
	}
}

// CloseStreams lets no more requests in, gives running calls a short while to
// finish and closes every stream. It fits [http.Server.RegisterOnShutdown].
func (h *Handler) CloseStreams() {
	ctx, cancel := context.WithTimeout(context.Background(), h.opts.DrainTimeout)
	defer cancel()
	_ = h.Shutdown(ctx)
}

// Shutdown does what CloseStreams does and lets running calls finish until ctx
// ends. It returns the context's error if calls had to be cut off.
func (h *Handler) Shutdown(ctx context.Context) error {
	defer h.workers.close()
	return h.registry.drain(ctx)
}
