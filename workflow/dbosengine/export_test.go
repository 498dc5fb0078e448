package dbosengine

import (
	"context"
	"time"
)

// Purge forgets runs that ended before t.
func Purge(ctx context.Context, e *Engine, t time.Time) error { return purgeBefore(ctx, e.root, t) }
