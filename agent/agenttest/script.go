package agenttest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/heycmo/heycmo-go/agent"
)

// Script is an [agent.Streamer] that says what it is told to. It may be used by
// many goroutines.
type Script struct {
	answer func(n int, r agent.ModelRequest) (Answer, error)

	mu       sync.Mutex
	requests []Request
}

var _ agent.Streamer = (*Script)(nil)

// NewScript returns a Script that gives the answers one after the other, and then
// fails with a ModelError of the kind refused.
func NewScript(answers ...Answer) *Script {
	return ScriptFunc(func(n int, _ agent.ModelRequest) (Answer, error) {
		if n >= len(answers) {
			return Answer{}, &agent.ModelError{Kind: agent.ModelRefused, Err: errors.New("agenttest: the script has no more answers")}
		}
		return answers[n], nil
	})
}

// ScriptFunc returns a Script that asks a function, which is told how many requests
// there were before. Its error is returned as it is.
func ScriptFunc(answer func(n int, r agent.ModelRequest) (Answer, error)) *Script {
	return &Script{answer: answer}
}

// Requests returns what was asked so far.
func (s *Script) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Generate implements [agent.Model]. It makes one attempt: what Status, Cut and
// Garbage say is returned as the ModelError that a driver ends with.
func (s *Script) Generate(ctx context.Context, r agent.ModelRequest) (agent.ModelResponse, error) {
	return s.next(ctx, r, nil)
}

// Stream implements [agent.Streamer].
func (s *Script) Stream(ctx context.Context, r agent.ModelRequest, text func(part string)) (agent.ModelResponse, error) {
	return s.next(ctx, r, text)
}

func (s *Script) next(ctx context.Context, r agent.ModelRequest, text func(string)) (agent.ModelResponse, error) {
	// The caller goes on with its messages.
	r.Messages = slices.Clone(r.Messages)
	request := Request{ModelRequest: r, Stream: text != nil}
	for _, tool := range r.Tools {
		request.ToolNames = append(request.ToolNames, tool.Name)
	}
	s.mu.Lock()
	n := len(s.requests)
	s.requests = append(s.requests, request)
	s.mu.Unlock()

	if err := ctx.Err(); err != nil {
		return agent.ModelResponse{}, err
	}
	a, err := s.answer(n, r)
	if err != nil {
		return agent.ModelResponse{}, err
	}
	if a.Asked != nil {
		a.Asked(request)
	}
	a = a.filled(n)
	if err := pause(ctx, a.Delay); err != nil {
		return agent.ModelResponse{}, err
	}
	if a.failed() || a.Cut || a.Garbage {
		return agent.ModelResponse{}, a.err()
	}
	if text != nil {
		for _, part := range pieces(a.Text) {
			text(part)
		}
	}
	message := agent.Message{Role: agent.RoleModel, Text: a.Text}
	if len(a.Calls) > 0 {
		message.Calls = a.Calls
	}
	return agent.ModelResponse{Message: message, Stop: a.Stop, Tokens: a.Tokens}, nil
}

func (a Answer) err() error {
	failed := &agent.ModelError{Kind: agent.ModelRefused, Status: a.Status, After: a.After}
	switch {
	case a.TooLong:
		failed.Kind = agent.ModelTooLong
	case a.Status == 429:
		failed.Kind = agent.ModelBusy
	case a.Status == 0, a.Status == 408, a.Status == 409, a.Status >= 500:
		failed.Kind = agent.ModelUnavailable
	}
	return failed
}

// pause waits, unless the context ends.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
