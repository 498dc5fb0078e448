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
				level, further := n.log(status)
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
				line.Write(append(fields, further...)...)
			}()
			next.ServeHTTP(rec, r)
			aborted = false
		})
	}
}

// Annotate adds fields to the request's line in the access log. Without an
// [AccessLog] it does nothing.
func Annotate(ctx context.Context, fields ...zap.Field) {
	if n, ok := ctx.Value(notesKey{}).(*notes); ok {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.fields = append(n.fields, fields...)
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
	fields  []zap.Field
	failure error
}

// withNotes returns the request's notes, and the request with them.
func withNotes(r *http.Request) (*notes, *http.Request) {
	if n, ok := r.Context().Value(notesKey{}).(*notes); ok {
		return n, r
	}
	n := &notes{}
	return n, r.WithContext(context.WithValue(r.Context(), notesKey{}, n))
}

// log returns the level of the request's line and what the notes add to it.
func (n *notes) log(status int) (zapcore.Level, []zap.Field) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.failure != nil:
		return zapcore.ErrorLevel, append(n.fields, zap.Error(n.failure))
	case status >= 500:
		return zapcore.WarnLevel, n.fields
	}
	return zapcore.InfoLevel, n.fields
}

var keyPattern = regexp.MustCompile(auth.KeyPrefix + `[0-9A-Za-z]+`)

// loggedPath returns what of a path may be logged: no key, and no query whose
// question mark was escaped.
func loggedPath(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return clip(keyPattern.ReplaceAllString(path, auth.KeyPrefix+"…"))
}
