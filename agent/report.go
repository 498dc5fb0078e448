package agent

import "context"

// Level is how serious a log message is: the eight levels of RFC 5424 that MCP
// uses.
type Level string

// The levels, from the least to the most serious.
const (
	LevelDebug     Level = "debug"
	LevelInfo      Level = "info"
	LevelNotice    Level = "notice"
	LevelWarning   Level = "warning"
	LevelError     Level = "error"
	LevelCritical  Level = "critical"
	LevelAlert     Level = "alert"
	LevelEmergency Level = "emergency"
)

// Reporter brings messages of a running call to whoever waits for it. The face
// that serves the call provides it.
type Reporter interface {
	Progress(ctx context.Context, done, total float64, message string)
	Log(ctx context.Context, level Level, message string)
}

type reporterKey struct{}

// WithReporter returns a context whose calls report to r.
func WithReporter(ctx context.Context, r Reporter) context.Context {
	return context.WithValue(ctx, reporterKey{}, r)
}

// ReporterFrom returns the Reporter of a context; nil when nobody listens.
func ReporterFrom(ctx context.Context) Reporter {
	r, _ := ctx.Value(reporterKey{}).(Reporter)
	return r
}

// Progress tells the caller how far the call is: done of total, or an unknown
// total when that is 0. Each call must raise done. It arrives before the
// result, or not at all when the caller did not ask for progress.
func Progress(ctx context.Context, done, total float64, message string) {
	if r := ReporterFrom(ctx); r != nil {
		r.Progress(ctx, done, total, message)
	}
}

// Log sends the caller a message, if its client asked for messages of that
// level. It must hold nothing that the customer may not see.
func Log(ctx context.Context, level Level, message string) {
	if r := ReporterFrom(ctx); r != nil {
		r.Log(ctx, level, message)
	}
}
