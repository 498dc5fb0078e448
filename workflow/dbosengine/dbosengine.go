// Package dbosengine runs workflows in SQLite or PostgreSQL, by DBOS Transact
// (https://docs.dbos.dev), without a service of its own:
//
//	engine, err := dbosengine.OpenSQLite("heycmo.db", nil)
//	if err != nil {
//		return err
//	}
//	defer engine.Close(ctx)
//	err = engine.Start(ctx, definitions...)
//
// A run that was under way when its process ended goes on from its last finished step.
//
// # One process, or several
//
// A SQLite file belongs to one process at a time; a second one can't start. On PostgreSQL
// several may run. Each says every 10 s that it lives. When one has been silent for a
// minute, or has closed its engine, another takes its runs over.
package dbosengine

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	"github.com/gofrs/flock"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// Options are what may be set. The zero value of every field is its default.
type Options struct {
	// Executor names this process among those that share a PostgreSQL database. One that
	// it keeps over restarts lets it go on with its runs at once; two live processes with
	// the same one take work from each other. Default: one made at random.
	Executor string
	// Keep is how long runs are remembered that have ended; default 30 days.
	Keep time.Duration
	// Log is told what the library has to say. Default: nowhere.
	Log *slog.Logger
	// Schema is where the tables are on PostgreSQL; default "dbos".
	Schema string
}

// version is the same for all builds: the library's default is a hash of the program,
// and runs that an older build began would wait for that build for ever.
const version = "heycmo"

// maxRecoveries is how often a run may be taken up again. Each start of a process counts,
// so the library's 100 would end an approval that waits through as many deploys.
const maxRecoveries = 1_000_000

// Engine is a [workflow.Engine].
type Engine struct {
	config  dbos.Config
	closing *atomic.Bool
	keep    time.Duration
	path    string       // of a SQLite file; else empty
	lock    *flock.Flock // of a SQLite file; else nil
	db      *sql.DB      // of a SQLite file, once started; else nil

	mu          sync.Mutex
	root        dbos.Context // nil: not started
	replicas    *replicas    // of PostgreSQL, once started
	background  sync.WaitGroup
	stop        context.CancelFunc // of background
	closed      bool
	definitions map[string]workflow.Definition
	running     map[string]context.CancelCauseFunc // in this process, by the library's IDs
}

var _ workflow.Engine = (*Engine)(nil)

func newEngine(c dbos.Config, o *Options) *Engine {
	var opts Options
	if o != nil {
		opts = *o
	}
	c.AppName, c.ApplicationVersion = "heycmo", version
	switch {
	case opts.Executor != "":
		c.ExecutorID = opts.Executor
	case c.DatabaseURL != "":
		c.ExecutorID = rand.Text()
	default:
		c.ExecutorID = "local"
	}
	c.DatabaseSchema = cmp.Or(opts.Schema, "dbos")
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	closing := new(atomic.Bool)
	c.Logger = slog.New(untilClosing{opts.Log.Handler(), closing})
	return &Engine{config: c, closing: closing, keep: cmp.Or(opts.Keep, defaultKeep), running: map[string]context.CancelCauseFunc{}}
}

// Start implements [workflow.Engine]. It makes or migrates the library's tables.
func (e *Engine) Start(ctx context.Context, definitions ...workflow.Definition) error {
	if err := workflow.CheckDefinitions(definitions); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return workflow.ErrClosed
	case e.root != nil:
		return errors.New("dbosengine: the engine was started already")
	}
	e.definitions = map[string]workflow.Definition{}
	for _, d := range definitions {
		e.definitions[d.Name] = d
	}
	if e.lock != nil {
		switch mine, err := e.lock.TryLock(); {
		case err != nil:
			return fmt.Errorf("dbosengine: %w", err)
		case !mine:
			return fmt.Errorf("dbosengine: another process runs workflows in this file: it holds %s", e.lock.Path())
		}
	}
	if err := e.launch(ctx); err != nil {
		return fmt.Errorf("dbosengine: %w", err)
	}
	return nil
}

// launch starts the library and what goes on beside it.
func (e *Engine) launch(ctx context.Context) error {
	var err error
	if e.path != "" {
		if e.db, err = openFile(e.path); err != nil {
			return err
		}
		e.config.SQLiteSystemDB = e.db
	}
	root, err := dbos.NewContext(context.WithoutCancel(ctx), e.config)
	if err != nil {
		return err
	}
	e.root = root
	// The library's environment variables come before what it was told.
	if root.GetApplicationVersion() != version || root.GetExecutorID() != e.config.ExecutorID {
		return errors.New("DBOS__APPVERSION and DBOS__VMID must not be set in the environment")
	}
	dbos.RegisterWorkflow(root, e.run, dbos.WithWorkflowName("heycmo"), dbos.WithMaxRecoveryAttempts(maxRecoveries))
	if e.config.DatabaseURL != "" {
		if e.replicas, err = newReplicas(ctx, e.config.DatabaseURL, e.config.DatabaseSchema, e.config.ExecutorID); err != nil {
			return err
		}
		if err := e.replicas.setUp(ctx); err != nil {
			return err
		}
	}
	if err := dbos.Launch(root); err != nil {
		return err
	}
	failed := func(err error) { e.config.Logger.Error("background work of the workflow engine failed", "error", err) }
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	e.stop = stop
	e.background.Go(func() { e.purge(background, root, failed) })
	if e.replicas != nil {
		e.background.Go(func() { e.replicas.run(background, root, failed) })
	}
	return nil
}

// started returns the library's context, or ErrClosed.
func (e *Engine) started(ctx context.Context) (dbos.Context, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case e.closed || e.root == nil:
		return nil, workflow.ErrClosed
	}
	return e.root, nil
}

// order is the input of every run.
type order struct {
	Customer storage.CustomerID
	Run      workflow.Run
}

// idOf names a run among those of all customers. Its parts can't run into each other.
func idOf(customer storage.CustomerID, name, id string) string {
	return strings.Join([]string{url.QueryEscape(string(customer)), url.QueryEscape(name), url.QueryEscape(id)}, ":")
}

// Trigger implements [workflow.Engine].
func (e *Engine) Trigger(ctx context.Context, customer storage.CustomerID, r workflow.Run) error {
	if err := r.Check(); err != nil {
		return err
	}
	root, err := e.started(ctx)
	if err != nil {
		return err
	}
	if _, ok := e.definitions[r.Workflow]; !ok {
		return workflow.ErrUnknown
	}
	_, err = dbos.RunWorkflow(root, e.run, order{customer, r}, dbos.WithWorkflowID(idOf(customer, r.Workflow, r.ID)))
	return wrap(ctx, err)
}

// Signal implements [workflow.Engine].
func (e *Engine) Signal(ctx context.Context, customer storage.CustomerID, name, id, signal string, payload json.RawMessage) error {
	if payload != nil && !json.Valid(payload) {
		return storage.Invalid("payload", "JSON")
	}
	root, err := e.alive(ctx, idOf(customer, name, id))
	if err != nil {
		return err
	}
	return wrap(ctx, dbos.Send(root, idOf(customer, name, id), payload, topicOf(signal)))
}

// topicOf is never empty, which would be a topic for everything.
func topicOf(signal string) string { return "signal:" + signal }

// Cancel implements [workflow.Engine].
func (e *Engine) Cancel(ctx context.Context, customer storage.CustomerID, name, id string) error {
	whole := idOf(customer, name, id)
	root, err := e.alive(ctx, whole)
	if err != nil {
		return err
	}
	if err := dbos.CancelWorkflow(root, whole); err != nil {
		return wrap(ctx, err)
	}
	// Other processes notice before the run's next step.
	e.mu.Lock()
	defer e.mu.Unlock()
	if cancel := e.running[whole]; cancel != nil {
		cancel(workflow.ErrCancelled)
	}
	return nil
}

// alive returns the library's context if there is such a run, and it has not ended.
func (e *Engine) alive(ctx context.Context, id string) (dbos.Context, error) {
	root, err := e.started(ctx)
	if err != nil {
		return nil, err
	}
	list, err := dbos.ListWorkflows(root, dbos.WithFilterWorkflowIDs(id), dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(false))
	if err != nil {
		return nil, wrap(ctx, err)
	}
	if len(list) == 0 {
		return nil, storage.ErrNotFound
	}
	switch list[0].Status {
	case dbos.WorkflowStatusSuccess, dbos.WorkflowStatusError, dbos.WorkflowStatusCancelled:
		return nil, storage.ErrNotFound
	}
	return root, nil
}

// Close implements [workflow.Engine]. Runs go on when the database is opened again.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	root, first, stop := e.root, !e.closed, e.stop
	e.closing.Store(true)
	e.closed = true
	for _, cancel := range e.running {
		cancel(workflow.ErrClosed)
	}
	e.mu.Unlock()
	if !first {
		return nil
	}
	if stop != nil {
		stop()
		e.background.Wait()
	}
	var errs []error
	if root != nil {
		timeout := 30 * time.Second
		if deadline, ok := ctx.Deadline(); ok {
			timeout = time.Until(deadline)
		}
		errs = append(errs, dbos.Shutdown(root, timeout))
	}
	if e.replicas != nil {
		errs = append(errs, e.replicas.leave(ctx))
	}
	if e.db != nil {
		errs = append(errs, e.db.Close())
	}
	if e.lock != nil {
		errs = append(errs, e.lock.Close())
	}
	return errors.Join(errs...)
}

func wrap(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, dbos.ErrNonExistentWorkflow):
		return storage.ErrNotFound
	}
	return fmt.Errorf("dbosengine: %w", err)
}
