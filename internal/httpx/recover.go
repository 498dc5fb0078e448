package httpx

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"go.uber.org/zap"
)

// Recover turns a panic of the handler into status 500 and logs it with its
// stack. When the header was sent already, the connection is aborted, so that
// half a response doesn't pass for a whole one. [http.ErrAbortHandler] is passed
// on.
func Recover(log *zap.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := NewRecorder(w)
			defer func() {
				v := recover()
				if v == nil {
					return
				}
				if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(v)
				}
				log.Error("panic", zap.String("requestId", RequestIDFrom(r.Context())),
					zap.String("panic", fmt.Sprint(v)), zap.ByteString("stack", debug.Stack()))
				if rec.Written() {
					panic(http.ErrAbortHandler)
				}
				Error(rec, r, fmt.Errorf("panic: %v", v))
			}()
			next.ServeHTTP(rec, r)
		})
	}
}
