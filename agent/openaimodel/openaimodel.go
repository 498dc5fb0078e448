// Package openaimodel is the [agent.Model] for OpenAI, and for servers that are
// compatible with it, such as Ollama and vLLM.
//
//	m, err := openaimodel.New(key, nil)
//
// It speaks the Chat Completions API
// (https://platform.openai.com/docs/api-reference/chat), since that is what the
// compatible servers have. It reads nothing from the environment, except for the
// default transport's proxy. No text of an error or a log line holds the key, or
// anything that the provider wrote.
package openaimodel

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/internal/modelcall"
)

// Options are what may be set. The zero value of every field is its default.
type Options struct {
	// BaseURL is where to ask instead of https://api.openai.com/v1, for example
	// http://localhost:11434/v1. The key is sent there, in the clear if the URL is
	// http.
	BaseURL string
	// OldMaxTokens sends the bound of an answer as max_tokens, for servers that
	// don't know max_completion_tokens.
	OldMaxTokens bool
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

// Model asks OpenAI. It is an [agent.Streamer].
type Model struct {
	call         *modelcall.Caller
	chat         openai.ChatCompletionService
	oldMaxTokens bool
}

var _ agent.Streamer = (*Model)(nil)

// New returns a Model that asks with a key, which must not be empty: for a server
// that needs none, any word will do. It asks nothing yet. Nil options are all
// defaults.
func New(key string, o *Options) (*Model, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	opts = opts.withDefaults()
	call, err := opts.caller(key)
	if err != nil {
		return nil, err
	}
	return &Model{
		call: call,
		// Not openai.NewClient, which reads a dozen variables of the environment.
		chat:         openai.NewChatCompletionService(opts.request(key, call)...),
		oldMaxTokens: opts.OldMaxTokens,
	}, nil
}

func (o Options) withDefaults() Options {
	if o.BaseURL == "" {
		o.BaseURL = "https://api.openai.com/v1"
	}
	return o
}

func (o Options) caller(key string) (*modelcall.Caller, error) {
	return modelcall.New(modelcall.Config{
		Name: "openaimodel", Key: key, BaseURL: o.BaseURL, Transport: o.Transport,
		Timeout: o.Timeout, Retries: o.Retries, Log: o.Log, Classify: classify,
	})
}

// request are the SDK's options.
func (o Options) request(key string, call *modelcall.Caller) []option.RequestOption {
	return []option.RequestOption{
		option.WithBaseURL(o.BaseURL),
		option.WithHTTPClient(call.Client),
		option.WithAPIKey(key),
		option.WithMaxRetries(0), // its own don't know what was shown already
		option.WithMiddleware(call.Send),
	}
}

// String hides the key from %v.
func (m *Model) String() string { return "openaimodel.Model" }

// GoString hides it from %#v.
func (m *Model) GoString() string { return m.String() }

// Generate implements [agent.Model]. An answer of more than 8 MiB is an error.
// Arguments that aren't JSON are passed on as they came.
func (m *Model) Generate(ctx context.Context, r agent.ModelRequest) (agent.ModelResponse, error) {
	params, err := m.params(r)
	if err != nil {
		return agent.ModelResponse{}, err
	}
	var response agent.ModelResponse
	err = m.call.Do(ctx, func(ctx context.Context) (bool, error) {
		completion, err := m.chat.New(ctx, params)
		if err != nil {
			return true, err
		}
		if completion == nil || len(completion.Choices) == 0 {
			return true, modelcall.Unreadable()
		}
		var a answer
		a.add(completion.Choices[0])
		a.use(completion.Usage)
		response, err = a.response()
		return true, err
	})
	return response, err
}

// Stream implements [agent.Streamer], as Generate does. What was shown isn't taken
// back: after the first part no attempt is made again.
func (m *Model) Stream(ctx context.Context, r agent.ModelRequest, text func(part string)) (agent.ModelResponse, error) {
	params, err := m.params(r)
	if err != nil {
		return agent.ModelResponse{}, err
	}
	params.StreamOptions.IncludeUsage = openai.Bool(true)
	var response agent.ModelResponse
	err = m.call.Do(ctx, func(ctx context.Context) (bool, error) {
		stream := m.chat.NewStreaming(ctx, params)
		defer func() { _ = stream.Close() }()
		var a answer
		again := true
		for stream.Next() {
			chunk := stream.Current()
			a.use(chunk.Usage)
			if len(chunk.Choices) == 0 {
				continue
			}
			part, err := a.addPart(chunk.Choices[0])
			if err != nil {
				return again, err
			}
			if part != "" {
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

// isTooLong knows the words of vLLM and llama.cpp as well, which have no code for it.
func isTooLong(code, kind, message string) bool {
	return code == "context_length_exceeded" || kind == "exceed_context_size_error" ||
		strings.Contains(message, "maximum context length")
}
