package ratelimit_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heycmo/heycmo-go/ratelimit"
	"github.com/heycmo/heycmo-go/ratelimit/ratelimittest"
)

func openMemory(*testing.T) ratelimit.Limiter { return ratelimit.NewMemory(nil) }

func TestMemory(t *testing.T) { ratelimittest.RunInBubble(t, openMemory) }

func TestMemoryInRealTime(t *testing.T) { ratelimittest.Run(t, openMemory) }

func take(t testing.TB, l ratelimit.Limiter, key string, rate ratelimit.Rate) ratelimit.Result {
	t.Helper()
	result, err := l.Take(t.Context(), key, rate)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func ExampleMemory() {
	limiter := ratelimit.NewMemory(nil)
	for range 3 {
		result, err := limiter.Take(context.Background(), "ada", ratelimit.PerMinute(2))
		fmt.Println(result.Allowed, result.Remaining, err)
	}
	// Output:
	// true 1 <nil>
	// true 0 <nil>
	// false 0 <nil>
}

// Tokens drop into the bucket one by one, and the request takes one: the same
// rule as Memory's, counted in another way.
func TestMemoryCountsLikeATokenBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		for round := range 50 {
			limit := 1 + random.IntN(20)
			interval := time.Microsecond + time.Duration(random.Int64N(int64(time.Second)))
			rate := ratelimit.Rate{Limit: limit, Period: interval * time.Duration(limit)}
			m := ratelimit.NewMemory(nil)
			tokens, drip := limit, time.Time{}
			for range 500 {
				now := time.Now()
				for tokens < limit && !drip.After(now) {
					tokens, drip = tokens+1, drip.Add(interval)
				}
				got := take(t, m, "key", rate)
				want := ratelimit.Result{Allowed: tokens > 0}
				if want.Allowed {
					if tokens == limit {
						drip = now.Add(interval)
					}
					tokens--
				}
				want.Remaining = tokens
				want.Reset = drip.Sub(now) + interval*time.Duration(limit-tokens-1)
				if tokens == 0 {
					want.RetryAfter = drip.Sub(now)
				}
				if got != want {
					t.Fatalf("round %d, %v: got %+v, want %+v", round, rate, got, want)
				}
				if random.IntN(3) == 0 {
					time.Sleep(time.Duration(random.Int64N(int64(3 * interval))))
				}
			}
		}
	})
}

func TestMemoryStaysWithinItsBound(t *testing.T) {
	for _, unknown := range []int{10_000, 1_000_000} {
		synctest.Test(t, func(t *testing.T) {
			m := ratelimit.NewMemory(&ratelimit.MemoryOptions{MaxKeys: 1000})
			for n := range unknown {
				if !take(t, m, strconv.Itoa(n), ratelimit.PerMinute(60)).Allowed {
					t.Fatalf("key %d is new, but did not pass", n)
				}
				if m.Len() > 1000 {
					t.Fatalf("%d keys after %d", m.Len(), n+1)
				}
			}
			if m.Len() != 1000 {
				t.Errorf("%d keys are left, must be 1000", m.Len())
			}
		})
	}
}

func TestMemoryForgetsFullBucketsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := ratelimit.NewMemory(&ratelimit.MemoryOptions{MaxKeys: 3})
		hourly, minutely := ratelimit.Rate{Limit: 1, Period: time.Hour}, ratelimit.PerMinute(1)
		take(t, m, "hour", hourly)
		take(t, m, "minute", minutely)
		take(t, m, "second", ratelimit.Rate{Limit: 1, Period: time.Second})
		time.Sleep(time.Second)
		take(t, m, "new", minutely)
		for key, rate := range map[string]ratelimit.Rate{"hour": hourly, "minute": minutely, "new": minutely} {
			if take(t, m, key, rate).Allowed {
				t.Errorf("%q was forgotten", key)
			}
		}
	})
}

func TestMemoryKeepsUsedUpKeysUnderAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := ratelimit.NewMemory(&ratelimit.MemoryOptions{MaxKeys: 100})
		rate := ratelimit.PerMinute(20)
		for range 20 {
			take(t, m, "attacker", rate)
		}
		for n := range 10_000 {
			take(t, m, strconv.Itoa(n), rate)
		}
		if take(t, m, "attacker", rate).Allowed {
			t.Error("new keys have washed out the count of a used-up one")
		}
	})
}

func TestMemoryShrinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := ratelimit.NewMemory(nil)
		for n := range 1000 {
			take(t, m, strconv.Itoa(n), ratelimit.PerMinute(60))
		}
		time.Sleep(time.Minute)
		for n := range 1000 {
			take(t, m, "b"+strconv.Itoa(n%10), ratelimit.PerMinute(60))
		}
		if m.Len() > 990 {
			t.Errorf("%d keys are left", m.Len())
		}
		for n := range 1000 {
			take(t, m, "c"+strconv.Itoa(n), ratelimit.PerMinute(60))
		}
		if m.Len() != 1010 {
			t.Errorf("%d keys are left, must be the 1010 that are in use", m.Len())
		}
	})
}

func TestMemoryTakesTheLongestPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := ratelimit.NewMemory(nil)
		time.Sleep(time.Hour)
		rate := func(limit int) ratelimit.Rate { return ratelimit.Rate{Limit: limit, Period: math.MaxInt64} }
		for _, limit := range []int{1, 3} {
			for n := range limit + 1 {
				if take(t, m, strconv.Itoa(limit), rate(limit)).Allowed != (n < limit) {
					t.Errorf("limit %d: wrong decision on request %d", limit, n+1)
				}
			}
		}
		if take(t, m, "1", rate(1)).Allowed {
			t.Error("limit 1 was forgotten")
		}
	})
}

// A rate that changes under a key must give sensible numbers at least.
func TestMemoryWithAnotherRate(t *testing.T) {
	m := ratelimit.NewMemory(nil)
	for range 60 {
		take(t, m, "key", ratelimit.Rate{Limit: 60, Period: time.Hour})
	}
	rate := ratelimit.Rate{Limit: 5, Period: time.Minute}
	result := take(t, m, "key", rate)
	if result.Allowed || result.Remaining != 0 || result.Reset > rate.Period || result.RetryAfter > rate.Period {
		t.Errorf("%+v", result)
	}
}

func BenchmarkMemory(b *testing.B) {
	rate := ratelimit.PerMinute(60)
	b.Run("hit", func(b *testing.B) {
		m := ratelimit.NewMemory(nil)
		for b.Loop() {
			take(b, m, "rest:018f0000-0000-7000-8000-000000000000", rate)
		}
	})
	keys := make([]string, 100_000)
	for i := range keys {
		keys[i] = fmt.Sprintf("rest:018f0000-0000-7000-8000-%012d", i)
	}
	full := func(b *testing.B, rate ratelimit.Rate) *ratelimit.Memory {
		m := ratelimit.NewMemory(nil)
		for _, key := range keys {
			take(b, m, key, rate)
		}
		return m
	}
	b.Run("many keys", func(b *testing.B) {
		m := full(b, rate)
		for i := 0; b.Loop(); i++ {
			take(b, m, keys[i*7919%len(keys)], rate)
		}
	})
	b.Run("new keys", func(b *testing.B) { // each pushes out another
		daily := ratelimit.Rate{Limit: 60, Period: 24 * time.Hour}
		m := full(b, daily)
		for i := 0; b.Loop(); i++ {
			take(b, m, strconv.Itoa(i), daily)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		m := full(b, rate)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for i := rand.IntN(len(keys)); pb.Next(); i++ {
				take(b, m, keys[i*7919%len(keys)], rate)
			}
		})
	})
	b.Run("memory", func(b *testing.B) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		m := ratelimit.NewMemory(nil)
		for i := range 100_000 {
			take(b, m, fmt.Sprintf("rest:018f0000-0000-7000-8000-%012d", i), rate)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		for b.Loop() {
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/100_000, "B/key")
		runtime.KeepAlive(m)
	})
}
