package inngestengine

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// callBody is what Inngest sends (SDK specification, section 4.4.1).
type callBody struct {
	Event  event                      `json:"event"`
	Events []event                    `json:"events"`
	Steps  map[string]json.RawMessage `json:"steps"`
	Ctx    struct {
		RunID   string `json:"run_id"`
		Attempt int    `json:"attempt"`
		UseAPI  bool   `json:"use_api"`
	} `json:"ctx"`
}

// op is what a call reports (SDK specification, section 5.1.1).
type op struct {
	ID          string          `json:"id"`
	Op          string          `json:"op"`
	Name        string          `json:"name"`
	DisplayName string          `json:"displayName"`
	Data        json.RawMessage `json:"data,omitempty"`
	Error       *failure        `json:"error,omitempty"`
	Opts        map[string]any  `json:"opts,omitempty"`
}

// failure is an error in Inngest's form.
type failure struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

// call is one request for a run.
type call struct {
	engine   *Engine
	customer storage.CustomerID
	run      workflow.Run
	attempt  int
	steps    map[string]json.RawMessage

	ctx    context.Context //nolint:containedctx // a call is a context of its own
	cancel context.CancelCauseFunc
	names  workflow.Names
	waits  map[string]int
	// report is what the call ends with when the function was left in the middle.
	report     *op
	retryAfter time.Time
}

func (e *Engine) serveCall(w http.ResponseWriter, r *http.Request, body []byte) {
	var b callBody
	if err := json.Unmarshal(body, &b); err != nil {
		refuse(w, http.StatusBadRequest, "the body must be a call as the SDK specification says")
		return
	}
	if err := e.enter(); err != nil {
		unavailable(w)
		return
	}
	defer e.calls.Done()
	if b.Ctx.UseAPI {
		events, steps, err := e.api.state(r.Context(), b.Ctx.RunID)
		if err != nil || len(events) == 0 {
			e.options.Log.Warn("the state of a run can't be fetched", zap.Error(err))
			unavailable(w)
			return
		}
		b.Event, b.Steps = events[0], steps
	}
	name, ok := strings.CutPrefix(r.URL.Query().Get("fnId"), e.options.App+"-")
	if schedule, isSchedule := strings.CutPrefix(name, schedulePrefix); ok && isSchedule {
		e.tick(r.Context(), w, schedule, b.Event)
		return
	}
	d, known := e.definitions[name]
	if !ok || !known {
		refuse(w, http.StatusInternalServerError, "there is no such function")
		return
	}
	var asked requested
	if err := json.Unmarshal(b.Event.Data, &asked); err != nil || asked.Run.Workflow != name || asked.Run.Check() != nil {
		w.Header().Set("X-Inngest-No-Retry", "true")
		refuse(w, http.StatusBadRequest, "the event was not sent by this program")
		return
	}
	c := &call{engine: e, customer: asked.Customer, run: asked.Run, attempt: b.Ctx.Attempt, steps: b.Steps, names: workflow.Names{}, waits: map[string]int{}}
	c.serve(r.Context(), w, d)
}

// enter takes a call in, unless the engine is closed or not started.
func (e *Engine) enter() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.definitions == nil {
		return workflow.ErrClosed
	}
	e.calls.Add(1)
	return nil
}

func unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "2")
	w.Header().Set("X-Inngest-No-Retry", "false")
	refuse(w, http.StatusServiceUnavailable, "the server is starting or stopping, or can't reach what it needs; try again")
}

// tick keeps a schedule.
func (e *Engine) tick(ctx context.Context, w http.ResponseWriter, name string, timer event) {
	s, ok := e.schedules[name]
	if !ok {
		refuse(w, http.StatusInternalServerError, "there is no such function")
		return
	}
	if err := s.Tick(ctx, time.UnixMilli(timer.TS).UTC().Truncate(time.Minute)); err != nil {
		e.options.Log.Warn("a schedule can't be kept", zap.String("workflow", name), zap.Error(err))
		unavailable(w)
		return
	}
	e.answer(w, http.StatusOK, struct{}{})
}

// cancelInterval is how often a call looks whether its run was cancelled elsewhere.
const cancelInterval = 5 * time.Second

// serve carries the run on by one step, and answers.
func (c *call) serve(ctx context.Context, w http.ResponseWriter, d workflow.Definition) {
	e := c.engine
	c.ctx, c.cancel = context.WithCancelCause(ctx)
	defer c.cancel(nil)
	stop := context.AfterFunc(e.closing, func() { c.cancel(workflow.ErrClosed) })
	defer stop()
	whole := wholeID(c.customer, c.run.Workflow, c.run.ID)
	e.track(whole, c, true)
	defer e.track(whole, c, false)
	state, _, err := e.runs.look(c.ctx, c.customer, c.run.Workflow, c.run.ID, "")
	switch {
	case err != nil:
		unavailable(w)
		return
	case state == stateEnded: // the answer that said so was lost
		e.answer(w, http.StatusOK, json.RawMessage("null"))
		return
	case state == stateCancelled:
		c.cancel(workflow.ErrCancelled)
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		c.watch()
	}()
	result, err, left := c.carryOut(d)
	cause := context.Cause(c.ctx)
	c.cancel(nil)
	<-watched
	switch {
	case left && c.report != nil:
		if !c.retryAfter.IsZero() {
			w.Header().Set("Retry-After", c.retryAfter.UTC().Format(time.RFC3339Nano))
			w.Header().Set("X-Inngest-No-Retry", "false")
		}
		e.answer(w, http.StatusPartialContent, []op{*c.report})
		return
	case errors.Is(cause, workflow.ErrCancelled):
	case cause != nil: // the engine closes, or Inngest has gone
		unavailable(w)
		return
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if failed := e.runs.end(ending, c.customer, c.run.Workflow, c.run.ID); failed != nil {
		unavailable(w)
		return
	}
	if err != nil && cause == nil {
		w.Header().Set("X-Inngest-No-Retry", "true")
		e.answer(w, http.StatusBadRequest, failure{"Error", err.Error()})
		return
	}
	if len(result) == 0 || cause != nil {
		result = json.RawMessage("null")
	}
	e.answer(w, http.StatusOK, result)
}

func (e *Engine) track(id string, c *call, begins bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case !begins:
		delete(e.running[id], c)
		if len(e.running[id]) == 0 {
			delete(e.running, id)
		}
	case e.running[id] == nil:
		e.running[id] = map[*call]bool{c: true}
	default:
		e.running[id][c] = true
	}
}

// watch ends the call when its run is cancelled by another process.
func (c *call) watch() {
	ticker := time.NewTicker(cancelInterval)
	defer ticker.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-ticker.C:
		}
		if state, _, err := c.engine.runs.look(c.ctx, c.customer, c.run.Workflow, c.run.ID, ""); err == nil && state == stateCancelled {
			c.cancel(workflow.ErrCancelled)
		}
	}
}

// carryOut runs the function in a goroutine of its own, which a step may leave in the
// middle.
func (c *call) carryOut(d workflow.Definition) (result json.RawMessage, err error, left bool) {
	done := make(chan struct{})
	left = true
	go func() {
		defer close(done)
		result, err = workflow.Guarded(func() (json.RawMessage, error) { return d.Run(&runContext{c}, c.run.Input) })
		left = false
	}()
	<-done
	return result, err, left
}
