package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

// script is a model that says what a function makes of a request.
type script func(turn int, r agent.ModelRequest) (agent.ModelResponse, error)

type scripted struct {
	script script
	turns  atomic.Int32
	last   agent.ModelRequest
}

func (m *scripted) Generate(ctx context.Context, r agent.ModelRequest) (agent.ModelResponse, error) {
	if err := ctx.Err(); err != nil {
		return agent.ModelResponse{}, err
	}
	m.last = r
	response, err := m.script(int(m.turns.Add(1)), r)
	response.Message.Role = agent.RoleModel
	response.Tokens = agent.Tokens{Input: 100, Output: 10}
	return response, err
}

func answers(text string) agent.ModelResponse {
	return agent.ModelResponse{Message: agent.Message{Text: text}, Stop: agent.StopEnd}
}

func wants(calls ...agent.ToolCall) agent.ModelResponse {
	return agent.ModelResponse{Message: agent.Message{Calls: calls}, Stop: agent.StopCalls}
}

func calling(id, name, args string) agent.ToolCall {
	return agent.ToolCall{ID: id, Name: name, Arguments: json.RawMessage(args)}
}

type number struct {
	N int `json:"n"`
}

// tools are a tool that doubles, one that fails on the host's side, one that panics
// and one whose text is hostile.
func loopTools(called *atomic.Int32) []*agent.Tool {
	tool := func(name string, do func(in number) (agent.Result, error)) *agent.Tool {
		return agent.NewTool(name, "A tool.", func(_ context.Context, customer storage.CustomerID, in number) (agent.Result, error) {
			called.Add(1)
			if customer != "ada" {
				return agent.Result{}, fmt.Errorf("called for %q", customer)
			}
			return do(in)
		}, nil)
	}
	return []*agent.Tool{
		tool("double", func(in number) (agent.Result, error) { return agent.Text(fmt.Sprint(2 * in.N)), nil }),
		tool("fail", func(number) (agent.Result, error) { return agent.Result{}, errors.New("secret dsn") }),
		tool("panic", func(number) (agent.Result, error) { panic("secret") }),
		tool("page", func(number) (agent.Result, error) {
			return agent.Text("seen\U000e0041\u200b" + strings.Repeat("x", 100_000)), nil
		}),
	}
}

// results are what the last message of a request tells, by call.
func results(r agent.ModelRequest) map[string]agent.ToolResult {
	byID := map[string]agent.ToolResult{}
	for _, result := range r.Messages[len(r.Messages)-1].Results {
		byID[result.ID] = result
	}
	return byID
}

func TestLoop(t *testing.T) {
	var called atomic.Int32
	var turned []int
	m := &scripted{script: func(turn int, r agent.ModelRequest) (agent.ModelResponse, error) {
		switch turn {
		case 1:
			if r.Model != "m" || r.System != "be exact" || len(r.Tools) != 4 || r.Messages[0].Text != "double 1 and 2" {
				t.Errorf("the first request is %+v", r)
			}
			return wants(calling("a", "double", `{"n":1}`), calling("b", "double", `{"n":2}`)), nil
		case 2:
			if got := results(r); got["a"].Text != "2" || got["b"].Text != "4" || got["a"].IsError {
				t.Errorf("the results are %+v", got)
			}
			// What is wrong is handed back, and nothing of the host's own.
			return wants(calling("c", "double", `{"n":"x"}`), calling("d", "nothing", `{}`), calling("e", "fail", `{"n":1}`),
				calling("f", "panic", `{"n":1}`), calling("g", "double", `not JSON`), calling("h", "page", `{"n":1}`)), nil
		case 3:
			got := results(r)
			for id, says := range map[string]string{
				"c": "n", "d": "there is no tool \"nothing\"; the tools are double, fail, panic, page", "e": "the tool failed", "f": "the tool failed", "g": "JSON object",
			} {
				if !got[id].IsError || !strings.Contains(got[id].Text, says) || strings.Contains(got[id].Text, "secret") {
					t.Errorf("%s is answered with %+v, must say %q", id, got[id], says)
				}
			}
			if text := got["h"].Text; len(text) > 32<<10 || !strings.HasPrefix(text, "seenx") {
				t.Errorf("the page is %d bytes: %.40q", len(text), text)
			}
		}
		return answers("2 and 4"), nil
	}}
	l := &agent.Loop{
		Model: m, Name: "m", Tools: loopTools(&called),
		Turned: func(_ context.Context, turn agent.Turn) { turned = append(turned, len(turn.Calls)) },
	}
	o, err := l.Run(t.Context(), "ada", "be exact", "double 1 and 2")
	if err != nil || o.End != agent.EndDone || o.Text != "2 and 4" || len(o.Turns) != 3 || o.Tokens != (agent.Tokens{Input: 300, Output: 30}) {
		t.Errorf("the outcome is %+v, %v", o, err)
	}
	if fmt.Sprint(turned) != "[2 6 0]" || called.Load() != 5 {
		t.Errorf("turns %v, %d calls of tools", turned, called.Load())
	}
}

// However a model behaves, a run ends, with what there is.
func TestLoopEnds(t *testing.T) {
	n := 0
	fresh := func() agent.ToolCall { n++; return calling("x", "double", fmt.Sprintf(`{"n":%d}`, n)) }
	again := calling("x", "double", `{"n":1}`)
	filtered := answers("I can't")
	filtered.Stop = agent.StopFilter
	long := answers("a long")
	long.Stop = agent.StopLength
	for name, c := range map[string]struct {
		script script
		end    agent.End
		text   string
		turns  int
		calls  int32
	}{
		"calls for ever": {func(_ int, r agent.ModelRequest) (agent.ModelResponse, error) {
			if r.MayNotCall {
				return answers("so far"), nil
			}
			return wants(fresh()), nil
		}, agent.EndDone, "so far", 6, 5},
		"and takes no hint":     {func(int, agent.ModelRequest) (agent.ModelResponse, error) { return wants(fresh()), nil }, agent.EndTurns, "", 6, 5},
		"repeats itself":        {func(int, agent.ModelRequest) (agent.ModelResponse, error) { return wants(again), nil }, agent.EndRepeats, "", 4, 2},
		"says nothing":          {func(int, agent.ModelRequest) (agent.ModelResponse, error) { return answers(" "), nil }, agent.EndTurns, "", 6, 0},
		"never comes to an end": {func(int, agent.ModelRequest) (agent.ModelResponse, error) { return long, nil }, agent.EndTurns, "a long", 6, 0},
		"refuses":               {func(int, agent.ModelRequest) (agent.ModelResponse, error) { return filtered, nil }, agent.EndFilter, "I can't", 1, 0},
		"asks for everything at once": {func(turn int, _ agent.ModelRequest) (agent.ModelResponse, error) {
			if turn > 1 {
				return answers("enough"), nil
			}
			var calls []agent.ToolCall
			for range 100 {
				calls = append(calls, fresh())
			}
			return wants(calls...), nil
		}, agent.EndDone, "enough", 2, 8},
	} {
		var called atomic.Int32
		m := &scripted{script: c.script}
		l := &agent.Loop{Model: m, Tools: loopTools(&called), Limits: agent.LoopLimits{Turns: 6, Repeats: 2, Fanout: 8}}
		o, err := l.Run(t.Context(), "ada", "", "task")
		if err != nil || o.End != c.end || o.Text != c.text || len(o.Turns) != c.turns || called.Load() != c.calls {
			t.Errorf("%s: %s %q after %d turns and %d calls, %v", name, o.End, o.Text, len(o.Turns), called.Load(), err)
		}
	}
}

func TestLoopKeepsToItsTokens(t *testing.T) {
	var called atomic.Int32
	n := 0
	m := &scripted{script: func(int, agent.ModelRequest) (agent.ModelResponse, error) {
		n++
		r := wants(calling("x", "double", fmt.Sprintf(`{"n":%d}`, n)))
		r.Message.Text = "working"
		return r, nil
	}}
	l := &agent.Loop{Model: m, Tools: loopTools(&called), Limits: agent.LoopLimits{Tokens: 250}}
	o, err := l.Run(t.Context(), "ada", "", "task")
	if err != nil || o.End != agent.EndTokens || o.Text != "working" || o.Tokens.Input+o.Tokens.Output != 330 || called.Load() != 2 {
		t.Errorf("%+v after %d calls, %v", o, called.Load(), err)
	}
}

func TestLoopFailures(t *testing.T) {
	away := &agent.ModelError{Kind: agent.ModelUnavailable, Status: 503}
	m := &scripted{script: func(turn int, _ agent.ModelRequest) (agent.ModelResponse, error) {
		if turn == 1 {
			return wants(calling("x", "double", `{"n":1}`)), nil
		}
		return agent.ModelResponse{}, away
	}}
	var called atomic.Int32
	o, err := (&agent.Loop{Model: m, Tools: loopTools(&called)}).Run(t.Context(), "ada", "", "task")
	if !errors.Is(err, away) || o.End != agent.EndFailed || len(o.Turns) != 1 {
		t.Errorf("%+v, %v", o, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	m = &scripted{script: func(int, agent.ModelRequest) (agent.ModelResponse, error) {
		cancel() // while tools would be called
		return wants(calling("x", "double", `{"n":1}`)), nil
	}}
	o, err = (&agent.Loop{Model: m, Tools: loopTools(&called)}).Run(ctx, "ada", "", "task")
	if !errors.Is(err, context.Canceled) || o.End != agent.EndStopped {
		t.Errorf("%+v, %v", o, err)
	}
}

// What isn't accepted goes back to the model.
func TestLoopAccept(t *testing.T) {
	m := &scripted{script: func(turn int, r agent.ModelRequest) (agent.ModelResponse, error) {
		if turn == 2 && r.Messages[len(r.Messages)-1].Text != "one source is missing" {
			t.Errorf("the model is told %+v", r.Messages)
		}
		return answers(fmt.Sprint("answer ", turn)), nil
	}}
	l := &agent.Loop{Model: m, Accept: func(_ context.Context, o agent.Outcome) error {
		if len(o.Turns) < 2 {
			return errors.New("one source is missing")
		}
		return nil
	}}
	if o, err := l.Run(t.Context(), "ada", "", "task"); err != nil || o.Text != "answer 2" || o.End != agent.EndDone {
		t.Errorf("%+v, %v", o, err)
	}
}

// The host's own way of calling a tool is the only one.
func TestLoopCallsThroughTheHost(t *testing.T) {
	var called atomic.Int32
	m := &scripted{script: func(turn int, r agent.ModelRequest) (agent.ModelResponse, error) {
		if turn == 1 {
			return wants(calling("x", "double", `{"n":1}`), calling("y", "absent", `{}`)), nil
		}
		if got := results(r); got["x"].Text != "counted" {
			t.Errorf("the result is %+v", got["x"])
		}
		return answers("done"), nil
	}}
	asked := 0
	l := &agent.Loop{Model: m, Tools: loopTools(&called), Call: func(_ context.Context, customer storage.CustomerID, tool *agent.Tool, call agent.ToolCall) (agent.Result, error) {
		asked++
		if customer != "ada" || tool.Name != "double" || call.ID != "x" {
			t.Errorf("called for %s: %s %+v", customer, tool.Name, call)
		}
		return agent.Text("counted"), nil
	}}
	if _, err := l.Run(t.Context(), "ada", "", "task"); err != nil || asked != 1 || called.Load() != 0 {
		t.Errorf("%d through the host, %d past it, %v", asked, called.Load(), err)
	}
}

func TestModelError(t *testing.T) {
	cause := errors.New("connection refused")
	for want, e := range map[string]*agent.ModelError{
		"agent: the model is busy (status 429)":                          {Kind: agent.ModelBusy, Status: 429},
		"agent: the model is unavailable: connection refused":            {Kind: agent.ModelUnavailable, Err: cause},
		"agent: the conversation is too long for the model (status 400)": {Kind: agent.ModelTooLong, Status: 400},
		"agent: the model's provider refused the request (status 401)":   {Kind: agent.ModelRefused, Status: 401},
	} {
		if e.Error() != want || e.Temporary() != (e.Kind == agent.ModelBusy || e.Kind == agent.ModelUnavailable) || e.Err != nil && !errors.Is(e, cause) {
			t.Errorf("%q, want %q", e, want)
		}
	}
}
