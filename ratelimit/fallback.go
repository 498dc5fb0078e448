package ratelimit

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
)

// WithFallback returns a Limiter that asks primary, and fallback when primary
// fails, so that a backend that is down neither opens nor closes the door. Log,
// which may be nil, is told at most once a minute. When ctx has ended, its error
// is returned and fallback is not asked.
func WithFallback(primary, fallback Limiter, log *zap.Logger) Limiter {
	if log == nil {
		log = zap.NewNop()
	}
	return &withFallback{primary: primary, fallback: fallback, log: log}
}

type withFallback struct {
	primary, fallback Limiter
	log               *zap.Logger

	mu     sync.Mutex
	logged time.Time
}

func (f *withFallback) Take(ctx context.Context, key string, rate Rate) (Result, error) {
	if err := rate.Validate(); err != nil {
		return Result{}, err
	}
	result, err := f.primary.Take(ctx, key, rate)
	if err == nil {
		return result, nil
	}
	if ended := ctx.Err(); ended != nil {
		return Result{}, ended
	}
	if f.mayLog() {
		f.log.Warn("the limiter's backend failed; this process counts on its own", zap.Error(err))
	}
	return f.fallback.Take(ctx, key, rate)
}

func (f *withFallback) mayLog() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.logged.IsZero() && time.Since(f.logged) < time.Minute {
		return false
	}
	f.logged = time.Now()
	return true
}
