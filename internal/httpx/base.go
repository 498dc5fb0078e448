package httpx

import "context"

type baseKey struct{}

// WithBase returns a context that carries the address under which the client reaches the
// host, without a slash at the end.
func WithBase(ctx context.Context, base string) context.Context {
	return context.WithValue(ctx, baseKey{}, base)
}

// Base returns the address under which the client of a request reaches the host; empty
// outside of one.
func Base(ctx context.Context) string {
	base, _ := ctx.Value(baseKey{}).(string)
	return base
}
