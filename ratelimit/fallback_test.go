package ratelimit_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/heycmo/heycmo-go/ratelimit"
	"github.com/heycmo/heycmo-go/ratelimit/ratelimittest"
)

var errDown = errors.New("backend is down")

type limiterFunc func(ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error)

func (f limiterFunc) Take(ctx context.Context, key string, rate ratelimit.Rate) (ratelimit.Result, error) {
	return f(ctx, key, rate)
}

func down(context.Context, string, ratelimit.Rate) (ratelimit.Result, error) {
	return ratelimit.Result{}, errDown
}

// With either side down or up, what comes out is a whole limiter.
func TestWithFallback(t *testing.T) {
	for name, primary := range map[string]func() ratelimit.Limiter{
		"up":   func() ratelimit.Limiter { return ratelimit.NewMemory(nil) },
		"down": func() ratelimit.Limiter { return limiterFunc(down) },
	} {
		t.Run(name, func(t *testing.T) {
			ratelimittest.RunInBubble(t, func(*testing.T) ratelimit.Limiter {
				return ratelimit.WithFallback(primary(), ratelimit.NewMemory(nil), nil)
			})
		})
	}
}

func TestWithFallbackLogsOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.DebugLevel)
		l := ratelimit.WithFallback(limiterFunc(down), ratelimit.NewMemory(nil), zap.New(core))
		for range 3 {
			for range 100 {
				take(t, l, "key", ratelimit.PerMinute(60))
			}
			time.Sleep(time.Minute)
		}
		if logs.Len() != 3 {
			t.Errorf("%d lines in 3 minutes", logs.Len())
		}
		entry := logs.All()[0]
		if entry.Level != zapcore.WarnLevel || entry.ContextMap()["error"] != errDown.Error() {
			t.Errorf("the line is %v %v", entry.Entry, entry.ContextMap())
		}
	})
}

func TestWithFallbackDoesNotBlameTheBackend(t *testing.T) {
	core, logs := observer.New(zapcore.DebugLevel)
	primary := limiterFunc(func(ctx context.Context, _ string, _ ratelimit.Rate) (ratelimit.Result, error) {
		<-ctx.Done()
		return ratelimit.Result{}, errors.New("read: i/o timeout")
	})
	fallback := limiterFunc(func(context.Context, string, ratelimit.Rate) (ratelimit.Result, error) {
		t.Error("the fallback was asked")
		return ratelimit.Result{}, nil
	})
	l := ratelimit.WithFallback(primary, fallback, zap.New(core))
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := l.Take(ctx, "key", ratelimit.PerMinute(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	l = ratelimit.WithFallback(limiterFunc(down), fallback, zap.New(core))
	if _, err := l.Take(t.Context(), "key", ratelimit.Rate{}); err == nil {
		t.Error("the rate was taken")
	}
	if logs.Len() != 0 {
		t.Errorf("%d lines", logs.Len())
	}
}
