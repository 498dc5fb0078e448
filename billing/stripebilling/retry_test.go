package stripebilling_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
)

func TestRetryKeepsTheIdempotencyKey(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	p, asked := answering(t, stripebilling.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) < 3 {
			answer(503, "")(w, r)
			return
		}
		answer(200, madeSession)(w, r)
	})
	if _, err := p.Checkout(t.Context(), request()); err != nil {
		t.Fatal(err)
	}
	all := asked()
	if len(all) != 3 {
		t.Fatalf("asked %d times", len(all))
	}
	for _, q := range all {
		if q.header.Get("Idempotency-Key") != request().IdempotencyKey || q.body != all[0].body {
			t.Errorf("%+v", q)
		}
	}
}

// TestMadeUpKeysStayTheSame: usage has no key of the caller's.
func TestMadeUpKeysStayTheSame(t *testing.T) {
	t.Parallel()
	p, asked := answering(t, stripebilling.Options{Retries: 1}, answer(500, ""))
	usage := []billing.UsageReport{{ID: "a", Customer: customerID, Metric: "m", Quantity: 1, At: time.Now()}}
	p.ReportUsage(t.Context(), usage)
	p.ReportUsage(t.Context(), usage)
	all := asked()
	if len(all) != 4 {
		t.Fatalf("asked %d times", len(all))
	}
	key := func(i int) string { return all[i].header.Get("Idempotency-Key") }
	if key(0) == "" || key(0) != key(1) || key(2) != key(3) || key(0) == key(2) {
		t.Errorf("keys %q, %q, %q, %q", key(0), key(1), key(2), key(3))
	}
}

func TestCancelDuringBackoff(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	core, logs := observer.New(zapcore.DebugLevel)
	p, asked := answering(t, stripebilling.Options{Retries: 5, Log: zap.New(core)}, func(w http.ResponseWriter, r *http.Request) {
		time.AfterFunc(50*time.Millisecond, cancel)
		w.Header().Set("Retry-After", "4")
		answer(503, "")(w, r)
	})
	began := time.Now()
	_, err := p.Read(ctx, billing.Ref{Customer: customerID})
	if n := logs.FilterLevelExact(zapcore.WarnLevel).Len(); n != 0 {
		t.Errorf("%d warnings about a caller that left", n)
	}
	if !errors.Is(err, context.Canceled) || time.Since(began) > time.Second || len(asked()) != 1 {
		t.Errorf("%v after %v and %d calls", err, time.Since(began), len(asked()))
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		header string
		want   time.Duration
		calls  int
	}{
		{"1", time.Second, 2}, {"60", time.Minute, 1}, {"999999999", time.Hour, 1}, {"-5", 0, 2}, {"soon", 0, 2},
	} {
		p, asked := answering(t, stripebilling.Options{Retries: 1}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", test.header)
			answer(429, "")(w, r)
		})
		began := time.Now()
		_, err := p.Read(t.Context(), billing.Ref{Customer: customerID})
		e, ok := errors.AsType[*billing.UnavailableError](err)
		if !ok || e.After != test.want || len(asked()) != test.calls {
			t.Errorf("%q: %v after %v, %d calls, want %v and %d", test.header, err, e.After, len(asked()), test.want, test.calls)
		}
		if waited := time.Since(began); test.calls == 2 && waited < test.want || waited > 5*time.Second {
			t.Errorf("%q: waited %v", test.header, waited)
		}
	}
	now := time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC)
	if d := stripebilling.RetryAfter("Thu, 15 Jan 2026 10:30:30 GMT", now); d != 30*time.Second {
		t.Errorf("a date: %v", d)
	}
}

func TestStripeSaysWhetherToRetry(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		header string
		status int
		calls  int
	}{{"false", 503, 1}, {"true", 400, 2}} {
		p, asked := answering(t, stripebilling.Options{Retries: 1}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Stripe-Should-Retry", test.header)
			answer(test.status, `{"error":{"code":"a"}}`)(w, r)
		})
		_, _ = p.Read(t.Context(), billing.Ref{Customer: customerID})
		if n := len(asked()); n != test.calls {
			t.Errorf("%s: %d calls, want %d", test.header, n, test.calls)
		}
	}
}

// TestDeadlines: no wait goes beyond the caller's deadline, and a slow attempt
// ends by itself.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	slow := func(http.ResponseWriter, *http.Request) { <-release }
	t.Run("of the caller, in an attempt", func(t *testing.T) {
		p, _ := answering(t, stripebilling.Options{}, slow)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := p.Read(ctx, billing.Ref{Customer: customerID})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		release <- struct{}{}
	})
	t.Run("of the caller, before a wait", func(t *testing.T) {
		p, asked := answering(t, stripebilling.Options{Retries: 3}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "4")
			answer(503, "")(w, r)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		_, err := p.Read(ctx, billing.Ref{Customer: customerID})
		if _, ok := errors.AsType[*billing.UnavailableError](err); !ok || time.Since(began) > 2*time.Second || len(asked()) != 1 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
	t.Run("of an attempt", func(t *testing.T) {
		p, asked := answering(t, stripebilling.Options{Timeout: 50 * time.Millisecond, Retries: 1}, slow)
		_, err := p.Read(t.Context(), billing.Ref{Customer: customerID})
		if _, ok := errors.AsType[*billing.UnavailableError](err); !ok || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer in time") || len(asked()) != 2 {
			t.Errorf("%v after %d calls", err, len(asked()))
		}
		close(release)
	})
}
