package mcp

import (
	"context"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// zapHandler passes mcp-go's warnings and errors on to zap. Their attributes
// hold session IDs and are left out, except for the error.
type zapHandler struct{ log *zap.Logger }

func newSlog(log *zap.Logger) *slog.Logger { return slog.New(zapHandler{log}) }

func (h zapHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.log.Core().Enabled(zapcore.WarnLevel)
}

func (h zapHandler) Handle(_ context.Context, record slog.Record) error {
	var fields []zap.Field
	record.Attrs(func(a slog.Attr) bool {
		if a.Key == "err" || a.Key == "panic" {
			fields = append(fields, zap.Any(a.Key, a.Value.Any()))
		}
		return true
	})
	h.log.Warn(record.Message, fields...)
	return nil
}

func (h zapHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h zapHandler) WithGroup(string) slog.Handler      { return h }
