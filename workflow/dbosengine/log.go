package dbosengine

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// untilClosing leaves out warnings while the engine closes: the library has one for each
// run that waits, which is as it should be.
type untilClosing struct {
	slog.Handler
	closing *atomic.Bool
}

// Enabled implements [slog.Handler].
func (h untilClosing) Enabled(ctx context.Context, level slog.Level) bool {
	return (level >= slog.LevelError || !h.closing.Load()) && h.Handler.Enabled(ctx, level)
}

// WithAttrs implements [slog.Handler].
func (h untilClosing) WithAttrs(attrs []slog.Attr) slog.Handler {
	return untilClosing{h.Handler.WithAttrs(attrs), h.closing}
}

// WithGroup implements [slog.Handler].
func (h untilClosing) WithGroup(name string) slog.Handler {
	return untilClosing{h.Handler.WithGroup(name), h.closing}
}
