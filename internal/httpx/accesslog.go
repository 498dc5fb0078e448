package httpx

import (
	"context"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/heycmo/heycmo-go/auth"
)

// AccessLog logs one line for each request when it has ended, streams included,
// except for those whose connection was taken over: they are logged when they
// begin.
// A failure on our side is an error, other answers from 500 up are warnings, and
// everything else is information. Neither query nor body is logged, and an API
// key in the path is masked. The client's address is found with trusted, as in
// [ClientIP].
func AccessLog(log *zap.Logger, trusted ...netip.Prefix) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began, rec := time.Now(), NewRecorder(w)
			n, r := withNotes(r)
			aborted := true
			defer func() {
				status := rec.Status()
				if status == 0 && !aborted {
					status = http.StatusOK // what net/http sends then
				}
				level := n.level(status)
				line := log.Check(level, "request")
				if line == nil {
					return
				}
				fields := []zap.Field{
					zap.String("method", clip(r.Method)),
					zap.String("path", loggedPath(r.URL.Path)),
					zap.Int("status", status),
					zap.Int64("bytes", rec.Bytes()),
					zap.Duration("duration", time.Since(began)),
					zap.String("requestId", RequestIDFrom(r.Context())),
					zap.String("address", AddressKey(ClientIP(r, trusted))),
				}
				if aborted {
					fields = append(fields, zap.Bool("aborted", true))
				}
				line.Write(n.append(fields)...)
			}()
			next.ServeHTTP(rec, r)
			aborted = false
		})
	}
}

// NoteCaller adds the customer and the key to the request's line in the access
// log. Without an [AccessLog] it does nothing.
func NoteCaller(ctx context.Context, customer, key string) {
	if n, ok := ctx.Value(notesKey{}).(*notes); ok {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.customer, n.key = customer, key
	}
}

// noteFailure keeps an error of ours for the access log.
func noteFailure(ctx context.Context, err error) {
	if n, ok := ctx.Value(notesKey{}).(*notes); ok {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.failure = err
	}
}

type notesKey struct{}

// notes is what was learned about a request on its way. RequestID and AccessLog
// share them.
type notes struct {
	id string

	mu      sync.Mutex
	failure error
	// Who is calling, once that is known.
	customer, key string
}

// withNotes returns the request's notes, and the request with them.
func withNotes(r *http.Request) (*notes, *http.Request) {
	if n, ok := r.Context().Value(notesKey{}).(*notes); ok {
		return n, r
	}
	n := &notes{}
	return n, r.WithContext(context.WithValue(r.Context(), notesKey{}, n))
}

// level returns how serious the request's line is.
func (n *notes) level(status int) zapcore.Level {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.failure != nil:
		return zapcore.ErrorLevel
	case status >= 500:
		return zapcore.WarnLevel
	}
	return zapcore.InfoLevel
}

// append adds to the fields what was learned.
func (n *notes) append(fields []zap.Field) []zap.Field {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.customer != "" {
		fields = append(fields, zap.String("customer", n.customer), zap.String("key", n.key))
	}
	if n.failure != nil {
		fields = append(fields, zap.Error(n.failure))
	}
	return fields
}

var (
	keyPattern = regexp.MustCompile(auth.KeyPrefix + `[0-9A-Za-z]+`)
	// Whoever knows a checkout may claim its key.
	checkoutPattern = regexp.MustCompile(`(/api/session/+)[^/]+`)
)

// loggedPath returns what of a path may be logged: no key, no checkout, and no
// query whose question mark was escaped.
func loggedPath(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return clip(checkoutPattern.ReplaceAllString(keyPattern.ReplaceAllString(path, auth.KeyPrefix+"…"), "$1…"))
}
