package runner

import (
	"context"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// TickAt does what is done with the clock, at a time.
func TickAt(ctx context.Context, r *Runner, now time.Time) {
	r.now = func() time.Time { return now }
	r.tickAll(ctx, map[string]time.Time{})
}

// Last returns the newest time of a schedule.
func Last(r *Runner, now time.Time) (time.Time, bool) { return r.schedules[0].last(now) }

// Delay is a customer's place in the time over which runs are spread.
var Delay = delay

// SetClock gives a Runner that has not started another clock.
func SetClock(r *Runner, now func() time.Time) { r.now = now }

// Ask stores a question as the step of a run does, and returns until when it can be
// answered.
func Ask(ctx context.Context, r *Runner, customer storage.CustomerID, id string, asked Asked) (time.Time, error) {
	a, err := r.store(ctx, customer, KindApproval, id, asked)
	return a.Expires, err
}
