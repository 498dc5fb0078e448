package mcp

import (
	"context"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// zapHandler passes mcp-go's own messages on to zap for debugging. Whatever a
// client can cause is no warning, and attributes are left out, because they hold
// session IDs.
type zapHandler struct{ log *zap.Logger }

func newSlog(log *zap.Logger) *slog.Logger { return slog.New(zapHandler{log}) }

func (h zapHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.log.Core().Enabled(zapcore.DebugLevel)
}

func (h zapHandler) Handle(_ context.Context, record slog.Record) error {
	h.log.Debug(record.Message)
	return nil
}

func (h zapHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h zapHandler) WithGroup(string) slog.Handler      { return h }
