// Package ratelimittest checks implementations of [ratelimit.Limiter].
//
//	func TestLimiter(t *testing.T) {
//		ratelimittest.Run(t, func(t *testing.T) ratelimit.Limiter {
//			return redislimit.New(emptyRedis(t))
//		})
//	}
//
// Each case opens a limiter of its own, which must know no keys; clean up with
// t.Cleanup.
package ratelimittest

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heycmo/heycmo-go/ratelimit"
)

// Run checks a limiter in real time, which takes some seconds. A slow or busy
// machine makes the checks coarser; it doesn't make them fail.
func Run(t *testing.T, open func(t *testing.T) ratelimit.Limiter) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.check(&checker{T: t, limiter: open(t), slack: 2 * time.Millisecond})
		})
	}
}

// RunInBubble is Run with each case in a bubble of testing/synctest, where
// waiting takes no time and every check is exact. It is for limiters that read
// the time from package time and use no network.
func RunInBubble(t *testing.T, open func(t *testing.T) ratelimit.Limiter) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.check(&checker{T: t, limiter: open(t)})
			})
		})
	}
}

// RunShared checks in real time that two limiters with one backend decide as
// one: they are asked in turn, and must together behave as a single one does.
func RunShared(t *testing.T, open func(t *testing.T) (a, b ratelimit.Limiter)) {
	Run(t, func(t *testing.T) ratelimit.Limiter {
		a, b := open(t)
		return &turns{limiters: [2]ratelimit.Limiter{a, b}}
	})
}

// turns asks two limiters in turn.
type turns struct {
	limiters [2]ratelimit.Limiter
	asked    atomic.Uint64
}

func (l *turns) Take(ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
	return l.limiters[l.asked.Add(1)%2].Take(ctx, key, rate)
}
