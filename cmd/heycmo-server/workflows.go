package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/openaimodel"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
	"github.com/heycmo/heycmo-go/workflow"
	"github.com/heycmo/heycmo-go/workflow/dbosengine"
	"github.com/heycmo/heycmo-go/workflow/inngestengine"
)

// The engines that run workflows.
const (
	embedded = "embedded"
	inngest  = "inngest"
)

// checkEngine reports what of the settings of engines makes no sense.
func (s *settings) checkEngine(f *faults) {
	if s.Engine == embedded {
		if s.InngestSigningKey+s.InngestSigningKeyFallback+s.InngestEventKey+s.InngestURL != "" || s.InngestDev {
			f.add("engine", "must be inngest, or the settings of Inngest be left out: they do nothing")
		}
		return
	}
	switch {
	case s.InngestDev && s.production():
		f.add("inngest-dev", "must not be set in production: whoever reaches the server could run steps")
	case s.InngestDev && !isLoopback(s.Addr):
		f.add("inngest-dev", "needs %s on this machine alone, such as 127.0.0.1:8787: whoever reaches the server could run steps", variable("addr"))
	case !s.InngestDev && s.InngestSigningKey == "":
		f.add("inngest-signing-key", "is missing: %s is inngest, and no request of it can be believed", variable("engine"))
	}
	if !s.InngestDev && s.InngestEventKey == "" {
		f.add("inngest-event-key", "is missing: %s is inngest, and no workflow could begin", variable("engine"))
	}
	if s.PublicURL == "" && !s.InngestDev {
		f.add("public-url", "is missing: %s is inngest, which calls the server there", variable("engine"))
	}
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// engine returns what runs the workflows of the server under an address.
func (s *settings) engine(store storage.Store, base string, log *zap.Logger) (workflow.Engine, error) {
	switch {
	case s.Engine == inngest:
		e, err := inngestengine.New(store, inngestengine.Options{
			SigningKey: s.InngestSigningKey, SigningKeyFallback: s.InngestSigningKeyFallback, EventKey: s.InngestEventKey,
			ServeURL: base + "/api/inngest", URL: s.InngestURL, Dev: s.InngestDev, Log: log,
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", variable("engine"), err)
		}
		return e, nil
	case s.Database == sqlitestore.Memory:
		return workflow.NewMemory(nil), nil
	}
	o := &dbosengine.Options{Executor: s.Replica, Log: slog.New(toZap{log.Named("dbos")})}
	if isPostgres(s.Database) {
		return dbosengine.OpenPostgres(s.Database, o)
	}
	return dbosengine.OpenSQLite(s.Database, o)
}

// answerEngines sets whom the workflow citation-tracking asks. All three speak OpenAI's
// API.
func (s *settings) answerEngines(o *heycmo.Options, f *faults) {
	for _, e := range []struct{ name, flag, key, url, model string }{
		{"chatgpt", "openai-key", s.OpenAIKey, s.OpenAIURL, defaultModels[openAI][agent.TierStandard]},
		{"perplexity", "perplexity-key", s.PerplexityKey, "https://api.perplexity.ai", "sonar"},
		{"gemini", "gemini-key", s.GeminiKey, "https://generativelanguage.googleapis.com/v1beta/openai", "gemini-3.5-flash"},
	} {
		if e.key == "" || e.name == "chatgpt" && e.url != "" { // another server isn't ChatGPT
			continue
		}
		m, err := openaimodel.New(e.key, &openaimodel.Options{BaseURL: e.url, Timeout: modelTimeout, Log: o.Log, OldMaxTokens: e.url != ""})
		f.check(e.flag, err)
		if o.Marketing.AnswerEngines == nil {
			o.Marketing.AnswerEngines = map[string]agent.Choice{}
		}
		o.Marketing.AnswerEngines[e.name] = agent.Choice{Model: m, Name: e.model}
	}
}

// toZap brings what a library says by slog into the server's log, from warnings up.
type toZap struct{ log *zap.Logger }

// Enabled implements [slog.Handler].
func (toZap) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle implements [slog.Handler].
func (h toZap) Handle(_ context.Context, r slog.Record) error {
	level := zapcore.WarnLevel
	if r.Level >= slog.LevelError {
		level = zapcore.ErrorLevel
	}
	var fields []zap.Field
	r.Attrs(func(a slog.Attr) bool {
		fields = append(fields, zap.String(a.Key, a.Value.String()))
		return true
	})
	h.log.Log(level, r.Message, fields...)
	return nil
}

// WithAttrs implements [slog.Handler].
func (h toZap) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		h.log = h.log.With(zap.String(a.Key, a.Value.String()))
	}
	return h
}

// WithGroup implements [slog.Handler].
func (h toZap) WithGroup(name string) slog.Handler { return toZap{h.log.Named(name)} }
