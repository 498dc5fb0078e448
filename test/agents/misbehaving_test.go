package agents_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/agenttest"
	"github.com/heycmo/heycmo-go/agent/anthropicmodel"
	"github.com/heycmo/heycmo-go/agent/openaimodel"
	"github.com/heycmo/heycmo-go/heycmo"
)

// provider is a fake provider with its driver.
type provider struct {
	*agenttest.Server
	model agent.Model
}

// providers are both, with one retry and short attempts.
func providers(t *testing.T, attempt time.Duration) map[string]provider {
	t.Helper()
	gpt, claude := agenttest.StartOpenAI(t), agenttest.StartAnthropic(t)
	openai, err := openaimodel.New(agenttest.Key, &openaimodel.Options{BaseURL: gpt.URL, Retries: 1, Timeout: attempt})
	if err != nil {
		t.Fatal(err)
	}
	anthropic, err := anthropicmodel.New(agenttest.Key, &anthropicmodel.Options{BaseURL: claude.URL, Retries: 1, Timeout: attempt})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]provider{"OpenAI": {gpt, openai}, "Anthropic": {claude, anthropic}}
}

// However a provider and its model behave, a run ends clearly, is recorded, and tells
// nobody a key.
func TestMisbehavingModels(t *testing.T) {
	const quotes = "invalid key " + agenttest.Key + " in prompt " + brandCanary
	n := 0
	unknown := func() agenttest.Answer {
		n++
		return agenttest.Answer{Calls: calls("launch_rockets", object{"n": n})}
	}
	for name, c := range map[string]struct {
		answer  func(n int, r agenttest.Request) agenttest.Answer
		status  string // of the run
		outcome string
		note    string
	}{
		"garbage":          {always(agenttest.Answer{Garbage: true}), "failed", "failed", "try again later"},
		"429 for ever":     {always(agenttest.Answer{Status: 429, After: time.Millisecond, Message: quotes}), "failed", "failed", "too busy"},
		"500 for ever":     {always(agenttest.Answer{Status: 500, After: time.Millisecond, Message: quotes}), "failed", "failed", "can't be reached"},
		"a refused key":    {always(agenttest.Answer{Status: 401, Message: quotes}), "failed", "failed", "operator"},
		"half an answer":   {always(agenttest.Answer{Text: "half of what I", Cut: true}), "failed", "failed", "can't be reached"},
		"half a call":      {always(agenttest.Answer{Calls: calls("save_content", object{"body": "x"}), Cut: true}), "failed", "failed", "can't be reached"},
		"no end":           {always(agenttest.Answer{Text: "slow", Delay: time.Hour}), "failed", "failed", "can't be reached"},
		"unknown tools":    {func(int, agenttest.Request) agenttest.Answer { return unknown() }, "partial", "turns", "more steps"},
		"the same again":   {again("get_brand", object{}), "partial", "repeats", "circles"},
		"against a schema": {again("save_content", object{"colour": "red"}), "partial", "repeats", "circles"},
		"nothing":          {always(agenttest.Answer{}), "partial", "turns", "more steps"},
		"a refusal":        {always(agenttest.Answer{Text: "I can't help.", Stop: agent.StopFilter}), "failed", "filter", "refused"},
	} {
		attempt := 20 * time.Second
		if name == "no end" {
			attempt = 50 * time.Millisecond
		}
		for vendor, p := range providers(t, attempt) {
			t.Run(name+" "+vendor, func(t *testing.T) {
				p.AnswerWith(c.answer)
				h := newHouse(t, p.model, nil)
				ada := h.overHTTP(t, h.ada)
				result, _ := ada.call(t, "ask_agent", object{"agent": "seo-writer", "task": "Write about " + brandCanary})
				list, _ := ada.call(t, "list_runs", object{})
				runs := structured[struct{ Runs []runInfo }](t, list).Runs
				if len(runs) != 1 {
					t.Fatalf("%d runs", len(runs))
				}
				detail, _ := ada.call(t, "get_run", object{"id": runs[0].ID})
				run := structured[struct{ Status, Outcome, Note string }](t, detail)
				if run.Status != c.status || run.Outcome != c.outcome || !strings.Contains(run.Note, c.note) {
					t.Errorf("the run is %+v", run)
				}
				if !strings.Contains(result.text(), run.Note) {
					t.Errorf("the customer is told %q", result.text())
				}
				h.mustHideKeys(t, result, detail)
			})
		}
	}
}

func always(a agenttest.Answer) func(int, agenttest.Request) agenttest.Answer {
	return func(int, agenttest.Request) agenttest.Answer { return a }
}

func again(tool string, args object) func(int, agenttest.Request) agenttest.Answer {
	return func(int, agenttest.Request) agenttest.Answer { return agenttest.Answer{Calls: calls(tool, args)} }
}

// mustHideKeys looks for the provider's key in what customers and operators see.
func (h *house) mustHideKeys(t *testing.T, messages ...message) {
	t.Helper()
	for _, m := range messages {
		if strings.Contains(m.text()+string(m.Result.Structured), agenttest.Key) {
			t.Errorf("the key is in %s", m.text())
		}
	}
	for _, entry := range h.logs.All() {
		if line := entry.Message + fmt.Sprint(entry.ContextMap()); strings.Contains(line, agenttest.Key) || strings.Contains(line, brandCanary) {
			t.Errorf("the log says too much: %s", line)
		}
	}
}

// A client that cancels ends the run, and the request to the provider with it.
func TestCancelledByClient(t *testing.T) {
	asked, gone := make(chan struct{}, 1), make(chan struct{}, 1)
	h := newHouse(t, hanging{asked, gone}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	header := map[string]string{"Authorization": "Bearer " + h.ada}
	res := h.send(t, "/mcp", fmt.Sprintf(handshake, "2025-11-25"), header)
	_ = res.Body.Close()
	session := res.Header.Get("Mcp-Session-Id")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r, _ := http.NewRequestWithContext(ctx, http.MethodPost, h.URL+"/mcp", strings.NewReader(toolCall(1, "ask_cmo", object{"task": "Our launch"})))
		r.Header = http.Header{"Authorization": {"Bearer " + h.ada}, "Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}, "Mcp-Session-Id": {session}}
		if res, err := h.Client().Do(r); err == nil {
			_, _ = io.Copy(io.Discard, res.Body) // to leave would be another way to cancel
			_ = res.Body.Close()
		}
	}()
	<-asked
	header["Mcp-Session-Id"] = session
	res = h.send(t, "/mcp", `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, header)
	_ = res.Body.Close()
	select {
	case <-gone:
	case <-time.After(patience):
		t.Fatal("the model is still asked")
	}
	cancel()
	<-ended
	ada := h.overHTTP(t, h.ada)
	list, _ := ada.call(t, "list_runs", object{})
	if runs := structured[struct{ Runs []runInfo }](t, list).Runs; len(runs) != 1 || runs[0].Status != "cancelled" {
		t.Errorf("runs %+v", runs)
	}
}

// hanging is a model that never answers.
type hanging struct{ asked, gone chan struct{} }

func (h hanging) Generate(ctx context.Context, _ agent.ModelRequest) (agent.ModelResponse, error) {
	h.asked <- struct{}{}
	<-ctx.Done()
	h.gone <- struct{}{}
	return agent.ModelResponse{}, ctx.Err()
}

// The budget of a day ends the work of one customer, and of nobody else.
func TestDayBudget(t *testing.T) {
	h := newHouse(t, agenttest.ScriptFunc(company), func(o *heycmo.Options) {
		o.Budget = agent.Budget{DayTokens: 4000}
	})
	ada, bob := h.overHTTP(t, h.ada), h.overHTTP(t, h.bob)
	refused := false
	for range 400 { // a turn takes 15 tokens, and room for more than 1,000 must be there
		result, _ := ada.call(t, "ask_agent", object{"agent": "social", "task": "A post"})
		if refused = result.Result.IsError || strings.Contains(result.text(), "one day"); refused {
			if !strings.Contains(result.text(), "the budget of 4000 tokens for one day is used up") {
				t.Errorf("she is told %q", result.text())
			}
			break
		}
	}
	if !refused {
		t.Error("the budget has no end")
	}
	result, _ := bob.call(t, "ask_agent", object{"agent": "social", "task": "A post"})
	if out := structured[handedOver](t, result); out.Text != "Saved by social." {
		t.Errorf("bob is told %+v", out)
	}
}
