package workflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// Ended says how a run ended.
type Ended struct {
	Customer storage.CustomerID
	Run      Run
	Result   json.RawMessage
	Err      error // ErrCancelled for one that was cancelled
}

// MemoryOptions are what may be set. The zero value of every field is its default.
type MemoryOptions struct {
	// OnEnd is called when a run has ended, one at a time. Default: nobody is told.
	OnEnd func(Ended)
}

// Memory is an [Engine] that forgets everything with its process: for tests, and for
// programs that can begin again.
type Memory struct {
	options MemoryOptions
	closing context.Context
	close   context.CancelCauseFunc
	wg      sync.WaitGroup
	telling sync.Mutex

	mu          sync.Mutex
	definitions map[string]Definition // nil: not started
	runs        map[runKey]*memoryRun
}

type runKey struct {
	customer     storage.CustomerID
	workflow, id string
}

var _ Engine = (*Memory)(nil)

// NewMemory returns an engine that has not started. Nil options are all defaults.
func NewMemory(o *MemoryOptions) *Memory {
	m := &Memory{runs: map[runKey]*memoryRun{}}
	if o != nil {
		m.options = *o
	}
	m.closing, m.close = context.WithCancelCause(context.Background())
	return m
}

// Start implements [Engine].
func (m *Memory) Start(_ context.Context, definitions ...Definition) error {
	if err := CheckDefinitions(definitions); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.definitions != nil {
		return errors.New("workflow: the engine was started already")
	}
	m.definitions = map[string]Definition{}
	for _, d := range definitions {
		m.definitions[d.Name] = d
	}
	return nil
}

// Trigger implements [Engine].
func (m *Memory) Trigger(ctx context.Context, customer storage.CustomerID, r Run) error {
	if err := errors.Join(ctx.Err(), r.Check()); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.definitions[r.Workflow]
	switch {
	case m.closing.Err() != nil:
		return ErrClosed
	case !ok:
		return ErrUnknown
	}
	key := runKey{customer, r.Workflow, r.ID}
	if m.runs[key] != nil {
		return nil
	}
	run := &memoryRun{engine: m, customer: customer, run: r, names: Names{}, signals: map[string]chan json.RawMessage{}}
	run.Context, run.cancel = context.WithCancelCause(m.closing)
	m.runs[key] = run
	m.wg.Go(func() { run.work(d) })
	return nil
}

// Signal implements [Engine].
func (m *Memory) Signal(ctx context.Context, customer storage.CustomerID, workflow, id, name string, payload json.RawMessage) error {
	if payload != nil && !json.Valid(payload) {
		return storage.Invalid("payload", "JSON")
	}
	run, err := m.running(ctx, runKey{customer, workflow, id})
	if err != nil {
		return err
	}
	select {
	case run.signal(name) <- payload:
		return nil
	default:
		return fmt.Errorf("workflow: more than %d signals %q wait: %w", maxSignals, name, storage.ErrConflict)
	}
}

// Cancel implements [Engine].
func (m *Memory) Cancel(ctx context.Context, customer storage.CustomerID, workflow, id string) error {
	run, err := m.running(ctx, runKey{customer, workflow, id})
	if err == nil {
		run.cancel(ErrCancelled)
	}
	return err
}

func (m *Memory) running(ctx context.Context, key runKey) (*memoryRun, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	run := m.runs[key]
	switch {
	case m.closing.Err() != nil:
		return nil, ErrClosed
	case run == nil || run.ended:
		return nil, storage.ErrNotFound
	}
	return run, nil
}

// Close implements [Engine]. What ran is lost.
func (m *Memory) Close(ctx context.Context) error {
	m.close(ErrClosed)
	done := make(chan struct{})
	go func() {
		m.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// maxSignals is how many signals of a name may wait.
const maxSignals = 100

// memoryRun is a run, and its own Context.
type memoryRun struct {
	context.Context
	cancel   context.CancelCauseFunc
	engine   *Memory
	customer storage.CustomerID
	run      Run
	names    Names // of what it has done
	ended    bool  // under Memory.mu

	mu      sync.Mutex
	signals map[string]chan json.RawMessage
}

func (r *memoryRun) Customer() storage.CustomerID { return r.customer }
func (r *memoryRun) RunID() string                { return r.run.ID }

func (r *memoryRun) work(d Definition) {
	defer r.cancel(nil)
	result, err := Guarded(func() (json.RawMessage, error) { return d.Run(r, r.run.Input) })
	if cause := context.Cause(r); cause != nil && err != nil {
		err = cause
	}
	r.engine.mu.Lock()
	r.ended = true
	r.engine.mu.Unlock()
	if tell := r.engine.options.OnEnd; tell != nil && !errors.Is(err, ErrClosed) {
		r.engine.telling.Lock()
		defer r.engine.telling.Unlock()
		tell(Ended{r.customer, r.run, result, err})
	}
}

// begin takes the name of something that the run does, which must be new.
func (r *memoryRun) begin(name string) error {
	if cause := context.Cause(r); cause != nil {
		return cause
	}
	return r.names.Take(name)
}

// Step implements [Context].
func (r *memoryRun) Step(name string, fn func(context.Context) (json.RawMessage, error), o StepOptions) (json.RawMessage, error) {
	if err := r.begin(name); err != nil {
		return nil, err
	}
	o = o.WithDefaults()
	for n := 1; ; n++ {
		result, err := o.Attempt(r, fn)
		if cause := context.Cause(r); cause != nil {
			return nil, cause
		}
		if err == nil {
			return result, nil
		}
		if n == o.Attempts || IsPermanent(err) {
			return nil, fmt.Errorf("workflow: step %q: %w", name, err)
		}
		if err := r.pause(o.Delay(n)); err != nil {
			return nil, err
		}
	}
}

// Sleep implements [Context].
func (r *memoryRun) Sleep(name string, d time.Duration) error {
	if err := r.begin(name); err != nil {
		return err
	}
	return r.pause(d)
}

func (r *memoryRun) pause(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.Done():
		return context.Cause(r)
	}
}

// Wait implements [Context].
func (r *memoryRun) Wait(name string, timeout time.Duration) (json.RawMessage, error) {
	if cause := context.Cause(r); cause != nil {
		return nil, cause
	}
	signal := r.signal(name)
	select { // what is there comes before what is late
	case payload := <-signal:
		return payload, nil
	default:
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case payload := <-signal:
		return payload, nil
	case <-timer.C:
		return nil, ErrTimeout
	case <-r.Done():
		return nil, context.Cause(r)
	}
}

func (r *memoryRun) signal(name string) chan json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.signals[name]
	if !ok {
		c = make(chan json.RawMessage, maxSignals)
		r.signals[name] = c
	}
	return c
}
