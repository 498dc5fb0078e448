package httpx

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
)

const requestIDHeader = "X-Request-Id"

// RequestID gives every request an ID, in its context and in the response's
// X-Request-Id. It takes over the one the request came with if that is 8 to 64
// characters of [A-Za-z0-9._-], and otherwise makes one of 128 random bits. It is
// no secret.
func RequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := inboundRequestID(r)
		if id == "" {
			id = newRequestID()
		}
		w.Header().Set(requestIDHeader, id)
		n, r := withNotes(r)
		n.id = id
		next.ServeHTTP(w, r)
	})
}

func newRequestID() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], rand.Uint64()) //nolint:gosec // it is no secret
	binary.LittleEndian.PutUint64(b[8:], rand.Uint64()) //nolint:gosec // it is no secret
	return hex.EncodeToString(b[:])
}

func inboundRequestID(r *http.Request) string {
	values := r.Header.Values(requestIDHeader)
	if len(values) != 1 || len(values[0]) < 8 || len(values[0]) > 64 {
		return ""
	}
	for _, c := range []byte(values[0]) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return ""
		}
	}
	return values[0]
}

// WithRequestID returns a context that carries the ID.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, notesKey{}, &notes{id: id})
}

// RequestIDFrom returns the ID of the request that ctx belongs to, or "".
func RequestIDFrom(ctx context.Context) string {
	if n, ok := ctx.Value(notesKey{}).(*notes); ok {
		return n.id
	}
	return ""
}
