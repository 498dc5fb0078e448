package ratelimittest

import (
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/ratelimit"
)

// checker is what a case works with.
type checker struct {
	*testing.T
	limiter ratelimit.Limiter
	// slack is how far the limiter's clock may be off.
	slack time.Duration
}

// sleep waits for d, and long enough that the limiter sees it too.
func (c *checker) sleep(d time.Duration) { time.Sleep(d + c.slack) }

// bucket is what a case knows of a key: when its bucket will be full again. The
// limiter read its clock at some moment between question and answer, so that is
// known within bounds. In a bubble they are the same.
type bucket struct {
	checker  *checker
	key      string
	rate     ratelimit.Rate
	interval time.Duration
	capacity time.Duration // how long an empty bucket takes to be full

	early, late time.Time
}

func (c *checker) bucket(key string, rate ratelimit.Rate) *bucket {
	interval := rate.Period / time.Duration(rate.Limit)
	return &bucket{
		checker: c, key: key, rate: rate,
		interval: interval, capacity: interval * time.Duration(rate.Limit),
	}
}

// take asks the limiter and fails the test if no bucket within the bounds would
// have given that answer.
func (b *bucket) take() ratelimit.Result {
	b.checker.Helper()
	asked := time.Now().Add(-b.checker.slack)
	result, err := b.checker.limiter.Take(b.checker.Context(), b.key, b.rate)
	answered := time.Now().Add(b.checker.slack)
	if err != nil {
		b.checker.Fatalf("%q: %v", b.key, err)
	}

	least, most := b.missing(asked, answered)
	if result.Allowed {
		if least+b.interval > b.capacity {
			b.checker.Fatalf("%q passed, but must wait %v", b.key, least+b.interval-b.capacity)
		}
		b.early = later(b.early, asked).Add(b.interval)
		b.late = earlier(later(b.late, answered).Add(b.interval), answered.Add(b.capacity))
	} else {
		if most+b.interval <= b.capacity {
			b.checker.Fatalf("%q was refused, but had room for %d", b.key, (b.capacity-most)/b.interval)
		}
		b.early = later(b.early, asked.Add(b.capacity-b.interval))
	}

	least, most = b.missing(asked, answered)
	b.between("Remaining", time.Duration(result.Remaining), (b.capacity-most)/b.interval, (b.capacity-least)/b.interval)
	b.between("Reset", result.Reset, least, most)
	if result.Remaining > 0 {
		b.between("RetryAfter", result.RetryAfter, 0, 0)
	} else {
		b.between("RetryAfter", result.RetryAfter, max(1, least+b.interval-b.capacity), most+b.interval-b.capacity)
	}
	return result
}

// missing returns how long the bucket will take to be full, at the least and at
// the most.
func (b *bucket) missing(asked, answered time.Time) (least, most time.Duration) {
	return max(0, b.early.Sub(answered)), max(0, b.late.Sub(asked))
}

func (b *bucket) between(field string, got, low, high time.Duration) {
	b.checker.Helper()
	if got >= low && got <= high {
		return
	}
	if field == "Remaining" {
		b.checker.Fatalf("%q: Remaining is %d, must be from %d to %d", b.key, got, low, high)
	} else {
		b.checker.Fatalf("%q: %s is %v, must be from %v to %v", b.key, field, got, low, high)
	}
}

// mustPass and mustNotPass are take with a decision that time can't change.
func (b *bucket) mustPass() ratelimit.Result    { b.checker.Helper(); return b.must(true) }
func (b *bucket) mustNotPass() ratelimit.Result { b.checker.Helper(); return b.must(false) }

func (b *bucket) must(pass bool) ratelimit.Result {
	b.checker.Helper()
	result := b.take()
	if result.Allowed != pass {
		b.checker.Fatalf("%q: Allowed is %v", b.key, result.Allowed)
	}
	return result
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
