// Package outbox does what was stored to be done, see [storage.Effects].
//
//	w := outbox.New(effects, map[string]outbox.Handler{"notice": send}, log)
//	go w.Run(ctx)
package outbox

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/storage"
)

// Handler does one effect. It may be called again for the same one, which the ID
// tells, and has 30 s.
type Handler func(ctx context.Context, e storage.Effect) error

// ErrNever says that an effect can't be done however often it is tried.
var ErrNever = errors.New("outbox: trying again doesn't help")

const (
	interval    = 2 * time.Second // between looks
	batch       = 4               // done at once
	handlerTime = 30 * time.Second
	// again is when what a process took and didn't finish is taken by another.
	again = handlerTime + 15*time.Second

	firstWait = 10 * time.Second
	lastWait  = 6 * time.Hour
	alertAt   = 8 // attempts, after about half an hour

	sweepInterval = time.Hour
	keep          = 90 * 24 * time.Hour // what was done, so that it isn't done again
)

// Worker does effects.
type Worker struct {
	store    storage.Effects
	handlers map[string]Handler
	limit    time.Duration // for a handler
	woken    chan struct{}
	log      *zap.Logger
}

// New returns a Worker with a handler for each kind of effect. It starts nothing.
func New(store storage.Effects, handlers map[string]Handler, log *zap.Logger) *Worker {
	return &Worker{store, handlers, handlerTime, make(chan struct{}, 1), log}
}

// Wake has Run look at once, since something was stored to be done.
func (w *Worker) Wake() {
	select {
	case w.woken <- struct{}{}:
	default: // it is about to look
	}
}

// Run does what is due until ctx ends. Several replicas may run it.
func (w *Worker) Run(ctx context.Context) {
	look, sweep := time.NewTicker(interval), time.NewTicker(sweepInterval)
	defer look.Stop()
	defer sweep.Stop()
	for {
		more, err := w.Work(ctx)
		w.failed(ctx, "outbox", err)
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		case <-w.woken:
		case <-sweep.C:
			_, err := w.store.DeleteEffects(ctx, storage.Now().Add(-keep))
			w.failed(ctx, "outbox sweep", err)
		}
	}
}

func (w *Worker) failed(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		w.log.Error("background work failed", zap.String("work", what), zap.Error(err))
	}
}

// Work does what is due now, and reports whether there may be more.
func (w *Worker) Work(ctx context.Context) (more bool, err error) {
	now := storage.Now()
	due, err := w.store.TakeEffects(ctx, now, now.Add(again), batch)
	if err != nil {
		return false, err
	}
	errs := make([]error, len(due))
	var wg sync.WaitGroup
	for i, e := range due {
		wg.Go(func() { errs[i] = w.do(ctx, e) })
	}
	wg.Wait()
	err = errors.Join(errs...)
	return err == nil && len(due) == batch, err
}

// do does one effect and stores how that went.
func (w *Worker) do(ctx context.Context, e storage.Effect) error {
	failure := w.try(ctx, e)
	stopped := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err := w.store.UpdateEffect(ctx, e.ID, func(stored *storage.Effect) error {
		now := storage.Now()
		stored.Error = ""
		if failure != nil {
			text := failure.Error()
			stored.Error = strings.ToValidUTF8(strings.ReplaceAll(text[:min(len(text), 500)], "\x00", ""), "")
		}
		switch {
		case failure == nil, errors.Is(failure, ErrNever):
			stored.DoneAt = now
		case stopped:
			stored.Attempts, stored.DueAt = e.Attempts-1, now
		default:
			stored.DueAt = now.Add(wait(e.Attempts))
		}
		return nil
	})
	if failure != nil && !stopped {
		say := w.log.Warn
		if e.Attempts >= alertAt || errors.Is(failure, ErrNever) {
			say = w.log.Error
		}
		say("an effect failed", zap.String("kind", e.Kind), zap.String("effect", e.ID),
			zap.Int("attempts", e.Attempts), zap.Error(failure))
	}
	return err
}

// try calls the handler, and gives up one that doesn't return.
func (w *Worker) try(ctx context.Context, e storage.Effect) error {
	handle, ok := w.handlers[e.Kind]
	if !ok {
		return fmt.Errorf("this host has no handler for %q", e.Kind)
	}
	ctx, cancel := context.WithTimeout(ctx, w.limit)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
		}()
		done <- handle(ctx, e)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select { // it may be about to return
	case err := <-done:
		return err
	case <-time.After(time.Second):
		return fmt.Errorf("the handler doesn't look at its context: %w", ctx.Err())
	}
}

// wait is 10 s, 20 s, 40 s … 6 h.
func wait(attempts int) time.Duration {
	return min(firstWait<<min(attempts-1, 20), lastWait)
}
