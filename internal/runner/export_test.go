package runner

import (
	"context"
	"time"
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
