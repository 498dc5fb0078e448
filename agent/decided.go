package agent

import (
	"context"

	"github.com/heycmo/heycmo-go/workflow"
)

type decidedKey struct{}

// WithDecided returns a context in which [Decided] calls tell. The host provides it.
func WithDecided(ctx context.Context, tell func(ctx context.Context, subject string, answer workflow.Answer) error) context.Context {
	return context.WithValue(ctx, decidedKey{}, tell)
}

// Decided says that the customer has decided about a thing. What runs ask about it,
// see [workflow.Question].Subject, is answered with that. Call it once the decision is
// stored.
func Decided(ctx context.Context, subject string, answer workflow.Answer) error {
	if tell, ok := ctx.Value(decidedKey{}).(func(context.Context, string, workflow.Answer) error); ok {
		return tell(ctx, subject, answer)
	}
	return nil
}
