package ratelimittest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/ratelimit"
	"github.com/heycmo/heycmo-go/ratelimit/ratelimittest"
)

// limiter is Memory with a fault.
type limiter func(m *ratelimit.Memory, ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error)

func (l limiter) open(*testing.T) ratelimit.Limiter {
	return faulty{ratelimit.NewMemory(nil), l}
}

type faulty struct {
	memory *ratelimit.Memory
	take   limiter
}

func (f faulty) Take(ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
	return f.take(f.memory, ctx, key, rate)
}

// altered returns a limiter that hands out wrong results.
func altered(alter func(*ratelimit.Result, ratelimit.Rate)) limiter {
	return func(m *ratelimit.Memory, ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
		result, err := m.Take(ctx, key, rate)
		alter(&result, rate)
		return result, err
	}
}

func renamed(rename func(key string) string) limiter {
	return func(m *ratelimit.Memory, ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
		return m.Take(ctx, rename(key), rate)
	}
}

func interval(rate ratelimit.Rate) time.Duration {
	return rate.Period / time.Duration(max(1, rate.Limit))
}

// Each fault, and the case of the suite that must find it.
var faults = map[string]struct {
	finder string
	limiter
}{
	"one too many": {"burst", func(m *ratelimit.Memory, ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
		rate.Period += interval(rate)
		rate.Limit++
		return m.Take(ctx, key, rate)
	}},
	"one too few": {"burst", func(m *ratelimit.Memory, ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
		rate.Limit = max(1, rate.Limit-1)
		return m.Take(ctx, key, rate)
	}},
	"fixed window": {"refill", func(m *ratelimit.Memory, ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
		window := time.Now().Truncate(rate.Period).String()
		return m.Take(ctx, key+window, rate)
	}},
	"refills too fast": {"refill", func(m *ratelimit.Memory, ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
		rate.Period -= rate.Period / 100
		return m.Take(ctx, key, rate)
	}},
	"refills far too fast": {"refill", func(m *ratelimit.Memory, ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
		rate.Period -= rate.Period / 5
		return m.Take(ctx, key, rate)
	}},
	"refills too slowly": {"retry_after", func(m *ratelimit.Memory, ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
		rate.Period += rate.Period / 100
		return m.Take(ctx, key, rate)
	}},
	"shares keys":           {"keys", renamed(func(string) string { return "key" })},
	"ignores case":          {"keys", renamed(strings.ToLower)},
	"folds letters":         {"keys", renamed(strings.ToUpper)},
	"trims keys":            {"keys", renamed(strings.TrimSpace)},
	"cuts long keys":        {"keys", renamed(func(key string) string { return key[:min(1000, len(key))] })},
	"cuts keys at NUL":      {"keys", renamed(func(key string) string { key, _, _ = strings.Cut(key, "\x00"); return key })},
	"repairs keys":          {"keys", renamed(func(key string) string { return strings.ToValidUTF8(key, "\ufffd") })},
	"RetryAfter too short":  {"retry_after", altered(func(r *ratelimit.Result, rate ratelimit.Rate) { r.RetryAfter /= 2 })},
	"RetryAfter too long":   {"retry_after", altered(func(r *ratelimit.Result, rate ratelimit.Rate) { r.RetryAfter *= 2 })},
	"RetryAfter in seconds": {"retry_after", altered(func(r *ratelimit.Result, rate ratelimit.Rate) { r.RetryAfter = r.RetryAfter.Round(time.Second) })},
	"RetryAfter is Reset":   {"burst", altered(func(r *ratelimit.Result, rate ratelimit.Rate) { r.RetryAfter = r.Reset })},
	"Reset is RetryAfter":   {"reset", altered(func(r *ratelimit.Result, rate ratelimit.Rate) { r.Reset = r.RetryAfter })},
	"Reset is the period":   {"reset", altered(func(r *ratelimit.Result, rate ratelimit.Rate) { r.Reset = rate.Period })},
	"Remaining one more":    {"burst", altered(func(r *ratelimit.Result, rate ratelimit.Rate) { r.Remaining++ })},
	"Remaining before": {"burst", altered(func(r *ratelimit.Result, rate ratelimit.Rate) {
		if r.Allowed {
			r.Remaining++
		}
	})},
	"takes any rate": {"invalid_rates", func(m *ratelimit.Memory, ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
		if rate.Validate() != nil {
			return ratelimit.Result{Allowed: true}, nil
		}
		return m.Take(ctx, key, rate)
	}},
	"ignores the context": {"cancelled", func(m *ratelimit.Memory, ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
		return m.Take(context.WithoutCancel(ctx), key, rate)
	}},
	"hides the context's error": {"cancelled", func(m *ratelimit.Memory, ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
		if ctx.Err() != nil {
			return ratelimit.Result{}, errors.New("failed")
		}
		return m.Take(ctx, key, rate)
	}},
	"counts cancelled requests": {"cancelled", func(m *ratelimit.Memory, ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
		result, err := m.Take(context.WithoutCancel(ctx), key, rate)
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return result, err
	}},
	"always fails": {"burst", func(*ratelimit.Memory, context.Context, string, ratelimit.Rate) (ratelimit.Result, error) {
		return ratelimit.Result{}, errors.New("failed")
	}},
}

// countsRefused pushes the moment of the next pass away with every request.
type countsRefused struct {
	mu     sync.Mutex
	fullAt map[string]time.Time
}

func (l *countsRefused) Take(_ context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
	if err := rate.Validate(); err != nil {
		return ratelimit.Result{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	missing := max(0, time.Until(l.fullAt[key])) + interval(rate)
	l.fullAt[key] = time.Now().Add(missing)
	left := rate.Period - missing
	result := ratelimit.Result{Allowed: left >= 0, Remaining: max(0, int(left/interval(rate))), Reset: missing}
	if result.Remaining == 0 {
		result.RetryAfter = interval(rate) - max(0, left)
	}
	if !result.Allowed {
		result.Reset -= interval(rate) // what it would be, were the request not counted
	}
	return result, nil
}

// notAtomic reads and writes in two steps.
type notAtomic struct {
	mu    sync.Mutex
	taken map[string]int
}

func (l *notAtomic) Take(_ context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
	l.mu.Lock()
	taken := l.taken[key]
	l.mu.Unlock()
	time.Sleep(time.Millisecond)
	if taken >= rate.Limit {
		return ratelimit.Result{}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken[key] = taken + 1
	return ratelimit.Result{Allowed: true, Remaining: rate.Limit - taken - 1}, nil
}

// runs are limiters that are opened in another way than the faults above, and
// the case that must find each.
var runs = map[string]struct {
	finder string
	run    func(t *testing.T)
}{
	"no fault": {"", func(t *testing.T) { ratelimittest.RunInBubble(t, memory) }},
	"no fault, shared": {"", func(t *testing.T) {
		ratelimittest.RunShared(t, func(t *testing.T) (a, b ratelimit.Limiter) {
			m := memory(t)
			return m, m
		})
	}},
	"not shared": {"burst", func(t *testing.T) {
		ratelimittest.RunShared(t, func(t *testing.T) (a, b ratelimit.Limiter) { return memory(t), memory(t) })
	}},
	"counts refused requests": {"refused_is_not_counted", func(t *testing.T) {
		ratelimittest.RunInBubble(t, func(*testing.T) ratelimit.Limiter { return &countsRefused{fullAt: map[string]time.Time{}} })
	}},
	"not atomic": {"goroutines", func(t *testing.T) {
		ratelimittest.RunInBubble(t, func(*testing.T) ratelimit.Limiter { return &notAtomic{taken: map[string]int{}} })
	}},
	"refills far too fast, real time": {"refill", func(t *testing.T) {
		ratelimittest.Run(t, faults["refills far too fast"].open)
	}},
	"RetryAfter too short, real time": {"retry_after", func(t *testing.T) {
		ratelimittest.Run(t, faults["RetryAfter too short"].open)
	}},
}

func memory(*testing.T) ratelimit.Limiter { return ratelimit.NewMemory(nil) }

const faultVariable = "RATELIMITTEST_FAULT"

// The suite itself is tested: in a process of its own, each fault must make the
// case fail that is there to find it.
func TestSuiteFindsFaults(t *testing.T) {
	if name := os.Getenv(faultVariable); name != "" {
		if r, ok := runs[name]; ok {
			r.run(t)
		} else {
			ratelimittest.RunInBubble(t, faults[name].open)
		}
		return
	}
	finders := map[string]string{}
	for name, f := range faults {
		finders[name] = f.finder
	}
	for name, r := range runs {
		finders[name] = r.finder
	}
	for name, finder := range finders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSuiteFindsFaults$", "-test.timeout=2m")
			cmd.Env = append(os.Environ(), faultVariable+"="+name)
			out, err := cmd.CombinedOutput()
			switch {
			case finder == "" && err != nil:
				t.Errorf("a good limiter fails: %v\n%s", err, out)
			case finder != "" && !strings.Contains(string(out), "--- FAIL: TestSuiteFindsFaults/"+finder+" "):
				t.Errorf("%s does not find it: %v\n%s", finder, err, out)
			}
		})
	}
}
