package clients

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// session is a connected client.
type session interface {
	// call calls a tool. When ctx ends, the client cancels the call.
	call(ctx context.Context, tool string, args map[string]any, o callOptions) (result, error)
	// list asks for something that is no tool call.
	list(ctx context.Context) error
	// setLevel says from which level on the client wants log messages.
	setLevel(ctx context.Context, level string) error
	close(ctx context.Context) error
}

// callOptions are what a client may ask of a call beside its result.
type callOptions struct {
	progress func(progress) // nil for none
	level    string         // of log messages, as revisions without sessions send it
}

func (o callOptions) meta() map[string]any {
	if o.level == "" {
		return nil
	}
	return map[string]any{"io.modelcontextprotocol/logLevel": o.level}
}

// result is what a tool's caller reads.
type result struct {
	Text    string `json:"text"`
	IsError bool   `json:"isError"`
}

type progress struct {
	Progress float64 `json:"progress"`
	Total    float64 `json:"total"`
	Message  string  `json:"message"`
}

type logMessage struct {
	Level string `json:"level"`
	Data  any    `json:"data"`
}

// events are what a session tells beside the results of calls; nil for nothing.
type events struct {
	log func(logMessage)
	// message gets every JSON-RPC message that a TypeScript client has read,
	// before the client does anything with it.
	message func(json.RawMessage)
}

type opener func(ctx context.Context, t *testing.T, to target, on events) (session, error)

// pending is a call that runs.
type pending struct {
	cancel context.CancelFunc
	ended  chan struct{}
	result result // when it has ended
	err    error
}

// begin starts a call. The end of the test cancels it.
func begin(t *testing.T, s session, tool string, args map[string]any, o callOptions) *pending {
	ctx, cancel := context.WithCancel(t.Context())
	p := &pending{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.result, p.err = s.call(ctx, tool, args, o)
	}()
	return p
}

// begun waits until a call is in its tool.
func (p *pending) begun(t *testing.T, r *run) {
	t.Helper()
	select {
	case <-r.began:
	case <-p.ended:
		t.Fatalf("the call has ended before its tool began: %v %+v", p.err, p.result)
	case <-time.After(patience):
		t.Fatalf("waited %v for the begin of the tool", patience)
	}
}

// end waits for the end of the call.
func (p *pending) end(t *testing.T) (result, error) {
	t.Helper()
	await(t, "the end of the call", p.ended)
	return p.result, p.err
}

// echo calls the tool echo.
func echo(ctx context.Context, s session) error {
	want := fmt.Sprint("It is ", time.Now().UnixNano())
	got, err := s.call(ctx, "echo", map[string]any{"text": want}, callOptions{})
	switch {
	case err != nil:
		return err
	case got.IsError || !strings.Contains(got.Text, want):
		return fmt.Errorf("echo: %+v", got)
	}
	return nil
}

// works fails the test unless the session carries calls right now.
func works(t *testing.T, s session) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := echo(ctx, s); err != nil {
		t.Fatalf("the session does not work: %v", err)
	}
}

// eventually tries until there is no error, and returns the first one.
func eventually(t *testing.T, what string, try func(context.Context) error) (first error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return first
		}
		if first == nil {
			first = err
		}
		select {
		case <-ctx.Done():
			t.Fatalf("waited %v until %s: %v", patience, what, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
