// Package anthropicmodel is the [agent.Model] for Anthropic.
//
//	m, err := anthropicmodel.New(key, nil)
//
// It speaks the Messages API (https://platform.claude.com/docs/en/api/messages).
// It reads nothing from the environment, except for the default transport's proxy.
// No text of an error or a log line holds the key, or anything that the provider
// wrote.
package anthropicmodel

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"
	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/internal/modelcall"
)

// Options are what may be set. The zero value of every field is its default.
type Options struct {
	// BaseURL is where to ask instead of https://api.anthropic.com. The key is sent
	// there, in the clear if the URL is http.
	BaseURL string
	// NoThinking turns thinking off, for models that think unless told not to.
	// Those refuse MustCall otherwise, and some can't be told
	// (https://platform.claude.com/docs/en/build-with-claude/thinking).
	NoThinking bool
	// Transport makes the connections. Default: one of its own, like
	// [http.DefaultTransport].
	Transport http.RoundTripper
	// Timeout is how long one attempt may take, with the whole answer. Default: 2
	// minutes.
	Timeout time.Duration
	// Retries is how often a call is tried again that found the provider busy or
	// unavailable, after a wait that grows from half a second, or that the provider
	// asks for, up to a minute. Default: 2; negative: never.
	Retries int
	// Log is told of failed attempts. Default: none.
	Log *zap.Logger
}

// Model asks Anthropic. It is an [agent.Streamer].
type Model struct {
	call     *modelcall.Caller
	messages anthropic.MessageService

	noThinking bool
}

var _ agent.Streamer = (*Model)(nil)

// New returns a Model that asks with an API key, which must not be empty. It asks
// nothing yet. Nil options are all defaults.
func New(key string, o *Options) (*Model, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.BaseURL == "" {
		opts.BaseURL = "https://api.anthropic.com"
	}
	call, err := modelcall.New(modelcall.Config{
		Name: "anthropicmodel", Key: key, BaseURL: opts.BaseURL, Transport: opts.Transport,
		Timeout: opts.Timeout, Retries: opts.Retries, Log: opts.Log, Classify: classify,
	})
	if err != nil {
		return nil, err
	}
	return &Model{
		call: call,
		// Not anthropic.NewClient, which reads the environment, and files in the
		// user's home.
		messages: anthropic.NewMessageService(
			option.WithBaseURL(opts.BaseURL),
			option.WithHTTPClient(call.Client),
			option.WithAPIKey(key),
			option.WithMaxRetries(0), // its own don't know what was shown already
			// Unless told so it traces into the process's global provider, and with a
			// variable of the environment whole conversations.
			option.WithoutOpenTelemetry(),
			option.WithMiddleware(call.Send),
		),
		noThinking: opts.NoThinking,
	}, nil
}

// String hides the key from %v.
func (m *Model) String() string { return "anthropicmodel.Model" }

// GoString hides it from %#v.
func (m *Model) GoString() string { return m.String() }

// Generate implements [agent.Model]. An answer of more than 8 MiB is an error.
//
// It streams as well: the provider wants that for long answers, and arguments that
// end in the middle come as they are in a stream alone. What the model thought isn't
// kept, nor sent back.
func (m *Model) Generate(ctx context.Context, r agent.ModelRequest) (agent.ModelResponse, error) {
	return m.Stream(ctx, r, nil)
}

// Stream implements [agent.Streamer]; a nil text is fine. What was shown isn't taken
// back: after the first part no attempt is made again.
func (m *Model) Stream(ctx context.Context, r agent.ModelRequest, text func(part string)) (agent.ModelResponse, error) {
	params, err := m.params(r)
	if err != nil {
		return agent.ModelResponse{}, err
	}
	var response agent.ModelResponse
	err = m.call.Do(ctx, func(ctx context.Context) (bool, error) {
		stream := m.messages.NewStreaming(ctx, params)
		defer func() { _ = stream.Close() }()
		var a answer
		again := true
		for stream.Next() {
			part, err := a.add(stream.Current())
			if err != nil {
				return again, err
			}
			if part != "" && text != nil {
				again = false
				text(part)
			}
		}
		if err := stream.Err(); err != nil {
			return again, m.streamError(err)
		}
		response, err = a.response()
		return again, err
	})
	return response, err
}

// streamError reads an error in the middle of a stream, which has the status 200.
func (m *Model) streamError(err error) error {
	failed, ok := errors.AsType[*anthropic.Error](err)
	if !ok {
		return err
	}
	return &agent.ModelError{Kind: m.call.Kind(statusOf(failed.RawJSON()), []byte(failed.RawJSON()))}
}
