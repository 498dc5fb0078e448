package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// MetricToolCalls counts calls of tools, whatever they do.
const MetricToolCalls = "tool_calls"

// MetricModelTokens counts tokens of models, input and output together, that agents
// used.
const MetricModelTokens = "model_tokens"

// maxUnits is how many units can be used at once.
const maxUnits = 1_000_000_000

// Metrics are named like those of a plan's quotas.
var metricPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

func checkUse(metric string, units int64) error {
	if !metricPattern.MatchString(metric) {
		return fmt.Errorf("metric %q must be 1 to 64 characters of [a-z0-9_-] that begin with a letter or a digit", metric)
	}
	if units < 1 || units > maxUnits {
		return fmt.Errorf("metric %q: %d units must be 1 to %d", metric, units, maxUnits)
	}
	return nil
}

// checkUses reports everything that is wrong with what a tool uses.
func checkUses(uses map[string]int64) error {
	var errs []error
	for _, metric := range slices.Sorted(maps.Keys(uses)) {
		errs = append(errs, checkUse(metric, uses[metric]))
	}
	return errors.Join(errs...)
}

type spendKey struct{}

// WithSpend returns a context in which [Spend] calls take. The host provides it.
func WithSpend(ctx context.Context, take func(ctx context.Context, metric string, units int64) (settle func(used int64), err error)) context.Context {
	return context.WithValue(ctx, spendKey{}, take)
}

// Spend takes units of a metric, 1 to a billion, for work of the running call whose
// use is known only when it is done. settle says how many were used: the rest is
// given back, more are counted too, and only the first settle counts. What isn't
// settled when the call ends counts as used. [ToolOptions].Uses is simpler where the
// use is known before.
//
// The error, to be returned as it is, says among others that the customer's plan has
// no room for them. A host that counts nothing has room for everything.
func Spend(ctx context.Context, metric string, units int64) (settle func(used int64), err error) {
	if err := checkUse(metric, units); err != nil {
		return nil, fmt.Errorf("agent: %w", err)
	}
	take, ok := ctx.Value(spendKey{}).(func(context.Context, string, int64) (func(int64), error))
	if !ok {
		return func(int64) {}, nil
	}
	return take(ctx, metric, units)
}
