package runner

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

const (
	recordInterval = 200 * time.Millisecond
	recordBatch    = 100 // runs stored in one transaction
)

// recorder stores what runs do, many at once. What it loses with the process, the
// engine knows.
type recorder struct {
	*Runner
	mu       sync.Mutex
	runs     map[storage.RunID]*recording // under way in this process
	dirty    map[storage.RunID]*recording
	watchers map[storage.RunID]*watch
}

func newRecorder(r *Runner) *recorder {
	return &recorder{
		Runner: r, runs: map[storage.RunID]*recording{}, dirty: map[storage.RunID]*recording{},
		watchers: map[storage.RunID]*watch{},
	}
}

// recording is what this process knows of a run.
type recording struct {
	recorder *recorder
	customer storage.CustomerID
	id       storage.RunID

	mu      sync.Mutex
	steps   []Step
	waiting *Waiting
	settled bool // the run has ended
}

func (r *recorder) open(customer storage.CustomerID, id storage.RunID) *recording {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.dirty[id] // an engine may run it in many short calls
	if rec == nil {
		rec = &recording{recorder: r, customer: customer, id: id}
	}
	r.runs[id] = rec
	return rec
}

// close ends a recording. What is dirty is still stored.
func (r *recorder) close(rec *recording) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.runs[rec.id] == rec {
		delete(r.runs, rec.id)
	}
}

// answered says that a run which this process may have waits no longer for what it
// asked.
func (r *recorder) answered(id storage.RunID, asked string) {
	r.mu.Lock()
	rec := r.runs[id]
	r.mu.Unlock()
	if rec == nil {
		return
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.waiting != nil && rec.waiting.ID == asked {
		rec.waiting = nil
	}
}

// forget ends a recording whose run has ended, and tells those who watch it.
func (r *recorder) forget(id storage.RunID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec := r.runs[id]; rec != nil {
		rec.mu.Lock()
		rec.settled = true
		rec.mu.Unlock()
	}
	delete(r.dirty, id)
	r.tell(id)
}

// tell wakes those who watch a run; under mu.
func (r *recorder) tell(id storage.RunID) {
	if w := r.watchers[id]; w != nil {
		close(w.changed)
		delete(r.watchers, id)
	}
}

// watch is what those who wait for news of a run share.
type watch struct {
	changed chan struct{}
	users   int
}

// watch returns a channel that is closed when something new of the run is stored by
// this process, and what to call when nobody listens any more.
func (r *recorder) watch(id storage.RunID) (changed <-chan struct{}, stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.watchers[id]
	if w == nil {
		w = &watch{changed: make(chan struct{})}
		r.watchers[id] = w
	}
	w.users++
	return w.changed, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if w.users--; w.users == 0 && r.watchers[id] == w {
			delete(r.watchers, id)
		}
	}
}

// merged returns the record of a run with what this process knows of it.
func (r *recorder) merged(run storage.Run) Record {
	r.mu.Lock()
	known := r.runs[run.ID]
	if known == nil {
		known = r.dirty[run.ID]
	}
	r.mu.Unlock()
	return known.mergedInto(run)
}

// mergedInto returns the record of a run with what a recording, which may be nil, knows.
func (rec *recording) mergedInto(run storage.Run) Record {
	record, err := RecordOf(run)
	if err != nil {
		record = Record{Steps: []Step{}}
	}
	if rec != nil {
		rec.mu.Lock()
		defer rec.mu.Unlock()
		record.merge(rec.steps, rec.waiting)
	}
	return record
}

// run stores what is new until ctx ends.
func (r *recorder) run(ctx context.Context) {
	tick := time.NewTicker(recordInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := r.flush(ctx); err != nil && ctx.Err() == nil {
				r.warn(ctx, "runs can't be recorded", "", "", err)
			}
		}
	}
}

// flush stores what is new.
func (r *recorder) flush(ctx context.Context) error {
	r.mu.Lock()
	var batch []*recording
	for _, rec := range r.dirty {
		batch = append(batch, rec)
	}
	clear(r.dirty)
	r.mu.Unlock()
	var errs []error
	for part := range slices.Chunk(batch, recordBatch) {
		err := r.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
			for _, rec := range part {
				if err := r.store(ctx, tx, rec); err != nil {
					return err
				}
			}
			return nil
		})
		r.mu.Lock()
		for _, rec := range part {
			if err != nil && r.dirty[rec.id] == nil {
				r.dirty[rec.id] = rec
			} else {
				r.tell(rec.id)
			}
		}
		r.mu.Unlock()
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (r *recorder) store(ctx context.Context, tx storage.Store, rec *recording) error {
	_, err := runsOf(tx).UpdateRun(ctx, rec.customer, rec.id, func(run *storage.Run) error {
		if !run.EndedAt.IsZero() {
			return nil
		}
		merged := rec.mergedInto(*run)
		run.Status, run.Data, run.UpdatedAt = StatusRunning, encode(merged), r.now()
		if merged.Waiting != nil {
			run.Status = StatusWaiting
		}
		return nil
	})
	if errors.Is(err, storage.ErrNotFound) {
		return nil // the customer is gone
	}
	return err
}

// change alters what is known of a step, which begins with it if need be.
func (rec *recording) change(name string, change func(*Step)) {
	rec.mu.Lock()
	i := slices.IndexFunc(rec.steps, func(s Step) bool { return s.Name == name })
	if i < 0 {
		i = len(rec.steps)
		rec.steps = append(rec.steps, Step{Name: name, Status: StepRunning, StartedAt: rec.recorder.now()})
	}
	change(&rec.steps[i])
	settled := rec.settled
	rec.mu.Unlock()
	if settled {
		return
	}
	rec.recorder.mu.Lock()
	rec.recorder.dirty[rec.id] = rec
	rec.recorder.mu.Unlock()
}

func (rec *recording) begin(name string) {
	rec.change(name, func(*Step) {})
}

func (rec *recording) attempt(name string) { rec.change(name, func(s *Step) { s.Attempts++ }) }

func (rec *recording) attempted(name string, err error) {
	rec.change(name, func(s *Step) {
		s.Error = ""
		if err != nil {
			s.Error = callerText(err)
		}
	})
}

func (rec *recording) progress(name, message string) {
	rec.change(name, func(s *Step) { s.Message = short(message, maxError) })
}

func (rec *recording) end(name string, err error) {
	if workflow.IsEngine(err) {
		return
	}
	rec.change(name, func(s *Step) {
		rec.waiting = nil
		if s.Status == StepDone || s.Status == StepFailed {
			return // it is only remembered
		}
		s.Status, s.Millis, s.Message = StepDone, rec.recorder.now().Sub(s.StartedAt).Milliseconds(), ""
		if err != nil {
			s.Status = StepFailed
			if s.Error == "" {
				s.Error = callerText(err)
			}
		}
	})
}

func (rec *recording) wait(name string, w Waiting) {
	rec.change(name, func(s *Step) { s.Status, rec.waiting = StepWaiting, &w })
}

// failure returns the error of the step that failed last.
func (rec *recording) failure() string {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, s := range slices.Backward(rec.steps) {
		if s.Status == StepFailed && s.Error != "" {
			return s.Error
		}
	}
	return "something went wrong on our side"
}
