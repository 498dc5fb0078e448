package agent

import "context"

type updatedKey struct{}

// WithUpdated returns a context in which [Updated] calls tell. The host provides
// it.
func WithUpdated(ctx context.Context, tell func(uri string)) context.Context {
	return context.WithValue(ctx, updatedKey{}, tell)
}

// Updated says that the customer's resource at uri has changed, so that clients
// that watch it can read it again. Call it once the change is stored.
func Updated(ctx context.Context, uri string) {
	if tell, ok := ctx.Value(updatedKey{}).(func(string)); ok {
		tell(uri)
	}
}
