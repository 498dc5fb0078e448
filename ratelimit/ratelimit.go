// Package ratelimit decides whether one more request may pass.
//
//	limiter := ratelimit.NewMemory(nil)
//	result, err := limiter.Take(ctx, "rest:"+customer, ratelimit.PerMinute(60))
//	if err == nil && !result.Allowed {
//		// wait result.RetryAfter
//	}
//
// A [Limiter] counts by the generic cell rate algorithm (GCRA): a full key lets
// Limit requests pass at once and is then refilled evenly, one request every
// Period/Limit. It needs one number for each key and one atomic step for each
// decision, on whatever backend.
package ratelimit

import (
	"context"
	"fmt"
	"time"
)

// Limiter takes decisions. Implementations are safe for many goroutines, and
// those that share a backend decide as one. Package ratelimittest checks them.
type Limiter interface {
	// Take counts one request under key and reports whether it may pass. A
	// refused request is not counted. Keys are compared byte by byte, and the
	// same key must always come with the same rate. Take returns an error when
	// the backend can't be asked or the rate is not valid, and the result is
	// then meaningless.
	Take(ctx context.Context, key string, rate Rate) (Result, error)
}

// Rate is how many requests may pass in how much time.
type Rate struct {
	// Limit is both the burst and the number of requests refilled in each
	// Period; at least 1.
	Limit int
	// Period is at least one microsecond for each request of Limit.
	Period time.Duration
}

// PerMinute returns the rate of n requests a minute.
func PerMinute(n int) Rate { return Rate{Limit: n, Period: time.Minute} }

// Validate reports what is wrong with the rate.
func (r Rate) Validate() error {
	if r.Limit < 1 {
		return fmt.Errorf("ratelimit: limit is %d, must be at least 1", r.Limit)
	}
	if r.Period/time.Duration(r.Limit) < time.Microsecond {
		return fmt.Errorf("ratelimit: period is %v, must be at least 1µs for each of %d requests", r.Period, r.Limit)
	}
	return nil
}

// Result is a decision and what the client may know of it.
type Result struct {
	Allowed bool
	// Remaining is how many further requests would pass right now.
	Remaining int
	// RetryAfter is how long to wait until one more request passes; zero when
	// one would pass right now.
	RetryAfter time.Duration
	// Reset is how long until the whole burst is available again.
	Reset time.Duration
}
