package agent

import (
	"context"
	"encoding/json"
)

type startKey struct{}

// WithStart returns a context in which [StartWorkflow] starts. The host provides it.
func WithStart(ctx context.Context, start func(ctx context.Context, name, key string, input json.RawMessage) error) context.Context {
	return context.WithValue(ctx, startKey{}, start)
}

// StartWorkflow has a run of the catalog's workflow begin for the customer of the running
// call. The same key begins one run; 1 to 100 characters. On a host without workflows it
// does nothing.
func StartWorkflow(ctx context.Context, name, key string, input json.RawMessage) error {
	if start, ok := ctx.Value(startKey{}).(func(context.Context, string, string, json.RawMessage) error); ok {
		return start(ctx, name, key, input)
	}
	return nil
}
