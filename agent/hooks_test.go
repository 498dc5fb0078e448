package agent_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heycmo/heycmo-go/agent"
)

// Calls of a turn are judged together before any is carried out.
func TestLoopCheck(t *testing.T) {
	var called atomic.Int32
	m := &scripted{script: func(turn int, r agent.ModelRequest) (agent.ModelResponse, error) {
		if !r.MustCall {
			t.Error("the model need not call a tool")
		}
		if turn == 1 {
			return wants(calling("a", "double", `{"n":1}`), calling("b", "double", `{"n":2}`)), nil
		}
		if got := results(r); got["a"].IsError || !got["b"].IsError || got["b"].Text != "one at a time" {
			t.Errorf("the results are %+v", got)
		}
		return answers("done"), nil
	}}
	l := &agent.Loop{Model: m, Tools: loopTools(&called), MustCall: true, Check: func(calls []agent.ToolCall) []error {
		if called.Load() > 0 {
			t.Error("a call was carried out before it was judged")
		}
		return []error{nil, errors.New("one at a time")}[:len(calls)]
	}}
	if o, err := l.Run(t.Context(), "ada", "", "task"); err != nil || o.End != agent.EndDone || called.Load() != 1 {
		t.Errorf("%+v after %d calls, %v", o, called.Load(), err)
	}
}

// A call can finish the work.
func TestLoopDone(t *testing.T) {
	var called atomic.Int32
	m := &scripted{script: func(turn int, _ agent.ModelRequest) (agent.ModelResponse, error) {
		return wants(calling("a", "double", fmt.Sprintf(`{"n":%d}`, turn))), nil
	}}
	l := &agent.Loop{Model: m, Tools: loopTools(&called), Done: func() (string, bool) { return "four", called.Load() == 2 }}
	if o, err := l.Run(t.Context(), "ada", "", "task"); err != nil || o.End != agent.EndDone || o.Text != "four" || len(o.Turns) != 2 {
		t.Errorf("%+v, %v", o, err)
	}
}

// No turn begins without room for it, and each is settled.
func TestLoopAdmit(t *testing.T) {
	var called atomic.Int32
	m := &scripted{script: func(turn int, _ agent.ModelRequest) (agent.ModelResponse, error) {
		r := wants(calling("a", "double", fmt.Sprintf(`{"n":%d}`, turn)))
		r.Message.Text = fmt.Sprint("step ", turn)
		return r, nil
	}}
	full := errors.New("no more today")
	var asked, settled []int64
	l := &agent.Loop{Model: m, Tools: loopTools(&called), Admit: func(_ context.Context, tokens int64) (func(agent.Tokens), error) {
		if len(asked) == 2 {
			return nil, full
		}
		asked = append(asked, tokens)
		return func(used agent.Tokens) { settled = append(settled, used.Input+used.Output) }, nil
	}}
	o, err := l.Run(t.Context(), "ada", strings.Repeat("s", 4000), "task")
	if !errors.Is(err, full) || o.End != agent.EndBudget || o.Text != "step 2" {
		t.Errorf("%+v, %v", o, err)
	}
	if len(asked) != 2 || asked[0] < 1000 || asked[1] <= asked[0] || fmt.Sprint(settled) != "[110 110]" {
		t.Errorf("asked for %v tokens, settled with %v", asked, settled)
	}
}

func TestLoopSettlesFailures(t *testing.T) {
	m := &scripted{script: func(int, agent.ModelRequest) (agent.ModelResponse, error) {
		return agent.ModelResponse{}, &agent.ModelError{Kind: agent.ModelRefused}
	}}
	settled := false
	l := &agent.Loop{Model: failing{m}, Admit: func(context.Context, int64) (func(agent.Tokens), error) {
		return func(used agent.Tokens) { settled = used == agent.Tokens{} }, nil
	}}
	if o, err := l.Run(t.Context(), "ada", "", "task"); err == nil || o.End != agent.EndFailed || !settled {
		t.Errorf("%+v, settled with nothing: %t, %v", o, settled, err)
	}
}

// failing answers nothing beside an error.
type failing struct{ agent.Model }

func (f failing) Generate(ctx context.Context, r agent.ModelRequest) (agent.ModelResponse, error) {
	_, err := f.Model.Generate(ctx, r)
	return agent.ModelResponse{}, err
}

// slow answers after an hour, or when nobody waits any more.
type slow struct{}

func (slow) Generate(ctx context.Context, _ agent.ModelRequest) (agent.ModelResponse, error) {
	select {
	case <-ctx.Done():
		return agent.ModelResponse{}, ctx.Err()
	case <-time.After(time.Hour):
		return answers("at last"), nil
	}
}

func TestLoopTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		o, err := (&agent.Loop{Model: slow{}}).Run(t.Context(), "ada", "", "task")
		if err != nil || o.End != agent.EndTime || time.Since(began) != 9*time.Minute {
			t.Errorf("%+v after %s, %v", o, time.Since(began), err)
		}
		// Who stops waiting before ends it otherwise.
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if o, err := (&agent.Loop{Model: slow{}}).Run(ctx, "ada", "", "task"); !errors.Is(err, context.DeadlineExceeded) || o.End != agent.EndStopped {
			t.Errorf("%+v, %v", o, err)
		}
	})
}

// What doesn't fit into the conversation any more is shortened once.
func TestLoopTooLong(t *testing.T) {
	var called atomic.Int32
	tooLong := &agent.ModelError{Kind: agent.ModelTooLong}
	m := &scripted{}
	m.script = func(turn int, r agent.ModelRequest) (agent.ModelResponse, error) {
		if turn == 1 {
			return wants(calling("h", "page", `{"n":1}`)), nil
		}
		if text := results(r)["h"].Text; len(text) > 512 {
			return agent.ModelResponse{}, tooLong
		}
		return answers("read"), nil
	}
	if o, err := (&agent.Loop{Model: m, Tools: loopTools(&called)}).Run(t.Context(), "ada", "", "task"); err != nil || o.Text != "read" || m.turns.Load() != 3 {
		t.Errorf("%+v after %d requests, %v", o, m.turns.Load(), err)
	}
	never := &scripted{script: func(int, agent.ModelRequest) (agent.ModelResponse, error) { return agent.ModelResponse{}, tooLong }}
	if o, err := (&agent.Loop{Model: never}).Run(t.Context(), "ada", "", "task"); !errors.Is(err, tooLong) || o.End != agent.EndFailed || never.turns.Load() != 1 {
		t.Errorf("%+v after %d requests, %v", o, never.turns.Load(), err)
	}
}

func TestModels(t *testing.T) {
	fast, research := agent.Choice{Model: slow{}, Name: "f"}, agent.Choice{Model: slow{}, Name: "r"}
	m := agent.Models{agent.TierFast: fast, agent.TierResearch: research}
	for tier, want := range map[agent.Tier]string{agent.TierFast: "f", agent.TierResearch: "r", agent.TierStandard: "r"} {
		if c, ok := m.For(tier); !ok || c.Name != want {
			t.Errorf("%s has the model %q, want %q", tier, c.Name, want)
		}
	}
	if _, ok := agent.Models(nil).For(agent.TierFast); ok {
		t.Error("there is a model where there is none")
	}
	for want, bad := range map[string]agent.Models{
		"the tiers are":          {"huge": fast},
		"must not be empty":      {agent.TierFast: {Name: "f"}},
		"must not be negative":   {agent.TierFast: {Model: slow{}, Name: "f", Price: agent.Price{Output: -1}}},
		"its name must not be e": {agent.TierFast: {Model: slow{}}},
	} {
		if err := bad.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if err := m.Validate(); err != nil {
		t.Error(err)
	}
	// 1,000 tokens at 2 dollars a million are 2,000 millionths.
	price := agent.Price{Input: 2, Output: 8}
	tokens := agent.Tokens{Input: 1000, Output: 100, Cached: 400}
	if got := price.Cost(tokens); got != 2800 {
		t.Errorf("costs %d, want 2800", got)
	}
	price.Cached = 0.5
	if got := price.Cost(tokens); got != 2200 {
		t.Errorf("costs %d with the price of what was cached, want 2200", got)
	}
}

func TestToolCheck(t *testing.T) {
	var called atomic.Int32
	double := loopTools(&called)[0]
	for args, ok := range map[string]bool{`{"n":1}`: true, `{"n":"x"}`: false, `{}`: false, `nonsense`: false} {
		if err := double.Check([]byte(args)); (err == nil) != ok {
			t.Errorf("%s: %v", args, err)
		}
	}
	if called.Load() != 0 {
		t.Error("the tool was called")
	}
}
