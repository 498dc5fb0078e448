package ratelimittest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heycmo/heycmo-go/ratelimit"
)

// Rates with long periods are for what no waiting should change, those with
// short ones for what it should.

var cases = []struct {
	name  string
	check func(*checker)
}{
	{"burst", checkBurst},
	{"refill", checkRefill},
	{"refused is not counted", checkRefused},
	{"retry after", checkRetryAfter},
	{"reset", checkReset},
	{"keys", checkKeys},
	{"rates", checkRates},
	{"invalid rates", checkInvalidRates},
	{"cancelled", checkCancelled},
	{"goroutines", checkGoroutines},
	{"random", checkRandom},
}

func checkBurst(c *checker) {
	for _, limit := range []int{1, 2, 7, 60} {
		b := c.bucket(fmt.Sprint("burst of ", limit), ratelimit.Rate{Limit: limit, Period: time.Hour})
		for range limit {
			b.mustPass()
		}
		b.mustNotPass()
	}
}

func checkRefill(c *checker) {
	b := c.bucket("refill", ratelimit.Rate{Limit: 4, Period: 200 * time.Millisecond})
	for range 5 {
		b.take()
	}
	for range 4 {
		c.sleep(b.interval)
		b.mustPass()
		b.take()
	}
	c.sleep(3 * b.interval) // three more, not four
	for range 3 {
		b.mustPass()
	}
	b.take()
	c.sleep(10 * b.rate.Period) // the burst never grows
	for range 4 {
		b.mustPass()
	}
	b.take()
}

func checkRefused(c *checker) {
	b := c.bucket("refused", ratelimit.Rate{Limit: 2, Period: 200 * time.Millisecond})
	b.mustPass()
	b.mustPass()
	for range 50 {
		b.take()
	}
	c.sleep(b.interval)
	b.mustPass()
}

func checkRetryAfter(c *checker) {
	b := c.bucket("retry after", ratelimit.Rate{Limit: 3, Period: 180 * time.Millisecond})
	for range 3 {
		b.mustPass()
	}
	for range 3 {
		time.Sleep(b.take().RetryAfter - 1) // still too early
		c.sleep(b.take().RetryAfter)
		b.mustPass()
		b.take() // one, and no other
	}
}

func checkReset(c *checker) {
	b := c.bucket("reset", ratelimit.Rate{Limit: 3, Period: 120 * time.Millisecond})
	for taken := range 5 {
		var last ratelimit.Result
		for range taken {
			last = b.take()
		}
		c.sleep(last.Reset)
		for range 3 {
			b.mustPass()
		}
		c.sleep(b.rate.Period)
	}
}

func checkKeys(c *checker) {
	long := strings.Repeat("k", 1000)
	keys := []string{
		"", "a", "A", "a ", " a", "a\x00", "a\n", "a:b", "a:B", "a*", "{a}", "{a}b",
		"ä", "a\u0308", "ſ", "s", "\xff", "\ufffd", long, long + "k",
	}
	rate := ratelimit.Rate{Limit: 2, Period: time.Hour}
	buckets := map[string]*bucket{}
	for _, key := range keys {
		buckets[key] = c.bucket(key, rate)
		buckets[key].mustPass()
	}
	for _, key := range keys {
		buckets[key].mustPass()
		buckets[key].mustNotPass()
	}
}

func checkRates(c *checker) {
	for name, rate := range map[string]ratelimit.Rate{
		"quick":  {Limit: 1, Period: time.Microsecond},
		"plenty": {Limit: 1_000_000, Period: time.Second},
	} {
		if result, err := c.limiter.Take(c.Context(), name, rate); err != nil || !result.Allowed {
			c.Errorf("%v: Allowed is %v, error %v", rate, result.Allowed, err)
		}
	}
	slow := c.bucket("slow", ratelimit.Rate{Limit: 1, Period: 365 * 24 * time.Hour})
	slow.mustPass()
	slow.mustNotPass()
	// Rates that can't be divided evenly still give the whole burst at once.
	for _, limit := range []int{3, 7, 11, 60, 77} {
		rate := ratelimit.Rate{Limit: limit, Period: time.Hour + time.Microsecond}
		for n := range limit + 1 {
			result, err := c.limiter.Take(c.Context(), fmt.Sprint("uneven ", limit), rate)
			if err != nil || result.Allowed != (n < limit) || result.Remaining != max(0, limit-1-n) {
				c.Fatalf("%v: request %d: %+v, error %v", rate, n+1, result, err)
			}
		}
	}
}

func checkInvalidRates(c *checker) {
	for _, rate := range []ratelimit.Rate{
		{},
		{Limit: 0, Period: time.Minute},
		{Limit: -1, Period: time.Minute},
		{Limit: -1, Period: -time.Minute},
		{Limit: 1, Period: 0},
		{Limit: 1, Period: -time.Second},
		{Limit: 1, Period: time.Microsecond - 1},
		{Limit: 10, Period: 5 * time.Microsecond},
	} {
		if result, err := c.limiter.Take(c.Context(), "invalid", rate); err == nil {
			c.Errorf("%+v was taken, with %+v", rate, result)
		}
	}
	b := c.bucket("invalid", ratelimit.Rate{Limit: 1, Period: time.Hour})
	b.mustPass()
}

func checkCancelled(c *checker) {
	b := c.bucket("cancelled", ratelimit.Rate{Limit: 1, Period: time.Hour})
	ctx, cancel := context.WithCancel(c.Context())
	cancel()
	for range 3 {
		if _, err := c.limiter.Take(ctx, b.key, b.rate); !errors.Is(err, context.Canceled) {
			c.Errorf("the error is %v, must be %v", err, context.Canceled)
		}
	}
	b.mustPass()
	b.mustNotPass()
}

func checkGoroutines(c *checker) {
	const goroutines, each, limit = 16, 25, 100
	rate := ratelimit.Rate{Limit: limit, Period: time.Hour}
	keys := []string{"left", "right"}
	var passed [2]atomic.Int64
	var done sync.WaitGroup
	for range goroutines {
		for k, key := range keys {
			done.Go(func() {
				for range each {
					result, err := c.limiter.Take(c.Context(), key, rate)
					if err != nil {
						c.Error(err)
					}
					if result.Allowed {
						passed[k].Add(1)
					}
				}
			})
		}
	}
	done.Wait()
	for k, key := range keys {
		if n := passed[k].Load(); n != limit {
			c.Errorf("%q: %d of %d requests passed, must be %d", key, n, goroutines*each, limit)
		}
	}
}

// checkRandom asks at random moments.
func checkRandom(c *checker) {
	seed := rand.Uint64()
	c.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	buckets := []*bucket{
		c.bucket("one", ratelimit.Rate{Limit: 1, Period: 10 * time.Millisecond}),
		c.bucket("few", ratelimit.Rate{Limit: 5, Period: 50 * time.Millisecond}),
		c.bucket("more", ratelimit.Rate{Limit: 40, Period: 120 * time.Millisecond}),
	}
	for range 500 {
		b := buckets[random.IntN(len(buckets))]
		b.take()
		if random.IntN(5) == 0 {
			time.Sleep(time.Duration(random.Int64N(int64(2 * b.interval))))
		}
	}
}
