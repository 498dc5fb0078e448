// Package inngestengine has workflows run by Inngest (https://www.inngest.com), by its
// public serve protocol
// (https://github.com/inngest/inngest/blob/main/docs/SDK_SPEC.md) and without its SDK:
//
//	engine, err := inngestengine.New(store, inngestengine.Options{
//		SigningKey: os.Getenv("INNGEST_SIGNING_KEY"), EventKey: os.Getenv("INNGEST_EVENT_KEY"),
//		ServeURL: "https://example.com/api/inngest",
//	})
//	if err != nil {
//		return err
//	}
//	err = engine.Start(ctx, definitions...)
//	mux.Handle("/api/inngest", engine)
//
// Inngest keeps the steps and the time; it calls the endpoint for each step, so that any
// replica may answer. What it doesn't keep, the store does: which runs there are, and
// signals, also those that nobody waits for yet.
//
// # Writing workflows
//
// Beyond the rules of package workflow: the function is run anew for each step and ended
// in the middle by [runtime.Goexit], so its deferred calls run each time, and variables
// don't outlive a step. A step takes as long as a request may: mind the idle limits of
// load balancers. Inngest bounds a step's result to 4 MB, a run's state to 32 MB and a
// run to 1,000 steps. An endpoint that can't be reached uses up attempts of a step, which
// has 20.
//
// A self-hosted Inngest with its default storage loses runs when it is killed; give it a
// PostgreSQL and a durable Redis.
package inngestengine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// Options are what must and what may be set.
type Options struct {
	// SigningKey is that of the Inngest environment; required unless Dev is set.
	// SigningKeyFallback is the one before or after it, while keys are rotated.
	SigningKey, SigningKeyFallback string
	// EventKey lets events be sent; required unless Dev is set.
	EventKey string
	// ServeURL is the address under which Inngest reaches the endpoint; required. What
	// a request says of its host is never used.
	ServeURL string
	// App names the app in Inngest; default "heycmo".
	App string
	// URL is an Inngest server for both API and events; default Inngest Cloud, or
	// http://localhost:8288 with Dev.
	URL string
	// Dev takes requests without a signature, as Inngest's dev server sends them. Never
	// set it where others reach the endpoint.
	Dev bool
	// Client sends requests to Inngest; default one with a limit of 30 s.
	Client *http.Client
	// Log is told what fails in the background. Default: nowhere.
	Log *zap.Logger
}

// Addresses of Inngest Cloud and of the dev server.
const (
	cloudAPI    = "https://api.inngest.com"
	cloudEvents = "https://inn.gs"
	devServer   = "http://localhost:8288"
)

// Engine is a [workflow.Engine] and a [workflow.Scheduler], and the handler of its
// endpoint.
type Engine struct {
	options Options
	store   storage.Store
	api     *api
	runs    *registry

	closing context.Context
	close   context.CancelCauseFunc
	calls   sync.WaitGroup

	mu          sync.Mutex
	closed      bool
	definitions map[string]workflow.Definition // nil: not started
	schedules   map[string]workflow.Schedule
	running     map[string]map[*call]bool // calls under way, by the run's whole ID
}

var (
	_ workflow.Engine    = (*Engine)(nil)
	_ workflow.Scheduler = (*Engine)(nil)
)

// New returns an engine that keeps what Inngest doesn't in the store. It starts nothing.
// The error names the option that is missing or makes no sense.
func New(store storage.Store, o Options) (*Engine, error) {
	o.App = cmp.Or(o.App, "heycmo")
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 30 * time.Second}
	}
	serve, err := url.Parse(o.ServeURL)
	switch {
	case store == nil:
		return nil, errors.New("inngestengine: the store is nil")
	case err != nil || serve.Scheme != "https" && serve.Scheme != "http" || serve.Host == "" || serve.RawQuery != "":
		return nil, errors.New("inngestengine: ServeURL must be an address such as https://example.com/api/inngest")
	case !o.Dev && (o.SigningKey == "" || keyOf(o.SigningKey) == ""):
		return nil, errors.New("inngestengine: SigningKey is missing: without it, anybody could run steps")
	case !o.Dev && o.EventKey == "":
		return nil, errors.New("inngestengine: EventKey is missing")
	case o.SigningKeyFallback != "" && keyOf(o.SigningKeyFallback) == "":
		return nil, errors.New("inngestengine: SigningKeyFallback is empty behind its prefix")
	}
	e := &Engine{
		options: o, store: store, api: newAPI(o), runs: &registry{store: store, now: storage.Now},
		schedules: map[string]workflow.Schedule{}, running: map[string]map[*call]bool{},
	}
	e.closing, e.close = context.WithCancelCause(context.Background())
	return e, nil
}

// Schedule implements [workflow.Scheduler].
func (e *Engine) Schedule(schedules ...workflow.Schedule) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range schedules {
		e.schedules[s.Name] = s
	}
}

// Start implements [workflow.Engine]. It also tells Inngest, in the background and until
// it has heard, which functions there are.
func (e *Engine) Start(ctx context.Context, definitions ...workflow.Definition) error {
	if err := workflow.CheckDefinitions(definitions); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return workflow.ErrClosed
	case e.definitions != nil:
		return errors.New("inngestengine: the engine was started already")
	case ctx.Err() != nil:
		return ctx.Err()
	}
	e.definitions = map[string]workflow.Definition{}
	for _, d := range definitions {
		e.definitions[d.Name] = d
	}
	functions := e.functions()
	e.calls.Go(func() { e.register(functions) })
	return nil
}

// register tells Inngest which functions there are, until it has heard.
func (e *Engine) register(functions []function) {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		_, err := e.api.register(e.closing, functions, "")
		if err == nil || e.closing.Err() != nil {
			return
		}
		e.options.Log.Warn("Inngest can't be told which workflows there are", zap.Error(err))
		select {
		case <-time.After(wait):
		case <-e.closing.Done():
			return
		}
	}
}

func (e *Engine) started(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case e.closed || e.definitions == nil:
		return workflow.ErrClosed
	}
	return nil
}

// Trigger implements [workflow.Engine].
func (e *Engine) Trigger(ctx context.Context, customer storage.CustomerID, r workflow.Run) error {
	if err := r.Check(); err != nil {
		return err
	}
	if err := e.started(ctx); err != nil {
		return err
	}
	if _, ok := e.definitions[r.Workflow]; !ok {
		return workflow.ErrUnknown
	}
	fresh, err := e.runs.create(ctx, customer, r.Workflow, r.ID)
	if err != nil || !fresh {
		return wrap(err)
	}
	err = e.api.send(ctx, event{
		ID: wholeID(customer, r.Workflow, r.ID), Name: requestedEvent(e.options.App, r.Workflow),
		Data: encode(requested{customer, r}),
	})
	if err != nil {
		return wrap(err) // the next Trigger sends it again
	}
	return wrap(e.runs.sent(ctx, customer, r.Workflow, r.ID))
}

// Signal implements [workflow.Engine].
func (e *Engine) Signal(ctx context.Context, customer storage.CustomerID, name, id, signal string, payload json.RawMessage) error {
	if payload != nil && !json.Valid(payload) {
		return storage.Invalid("payload", "JSON")
	}
	if err := e.started(ctx); err != nil {
		return err
	}
	if err := e.runs.signal(ctx, customer, name, id, signal, payload); err != nil {
		return wrap(err)
	}
	e.wake(ctx, wholeID(customer, name, id), signal)
	return nil
}

// wakeAgain is when a run is woken a second time.
const wakeAgain = 3 * time.Second

// wake wakes a run that listens. The store has what it is woken for, and it looks there
// by itself in the end. An event that comes in the moment between its look and its
// listening is lost, so there is a second one.
func (e *Engine) wake(ctx context.Context, id, signal string) {
	send := func(ctx context.Context) {
		err := e.api.send(ctx, event{Name: signalEvent(e.options.App), Data: encode(signalled{id, signal})})
		if err != nil && ctx.Err() == nil {
			e.options.Log.Warn("Inngest can't be told of a signal; the run looks for it later", zap.String("run", id), zap.Error(err))
		}
	}
	send(ctx)
	if e.enter() != nil {
		return
	}
	go func() {
		defer e.calls.Done()
		select {
		case <-time.After(wakeAgain):
			send(e.closing)
		case <-e.closing.Done():
		}
	}()
}

// Cancel implements [workflow.Engine].
func (e *Engine) Cancel(ctx context.Context, customer storage.CustomerID, name, id string) error {
	if err := e.started(ctx); err != nil {
		return err
	}
	if err := e.runs.cancel(ctx, customer, name, id); err != nil {
		return wrap(err)
	}
	whole := wholeID(customer, name, id)
	e.mu.Lock()
	for c := range e.running[whole] {
		c.cancel(workflow.ErrCancelled)
	}
	e.mu.Unlock()
	e.wake(ctx, whole, cancelSignal)
	return nil
}

// Close implements [workflow.Engine].
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.close(workflow.ErrClosed)
	done := make(chan struct{})
	go func() {
		e.calls.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wrap leaves errors of the store and of contexts as they are.
func wrap(err error) error {
	if err == nil || errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrUnavailable) || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("inngestengine: %w", err)
}

func encode(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("inngestengine: %T has no JSON: %v", v, err)) // messages of ours always have
	}
	return data
}
