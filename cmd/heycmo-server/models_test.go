package main

import (
	"fmt"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/heycmo/heycmo-go/agent/agenttest"
)

// TestAgentsWork has the binary's agents work with both providers.
func TestAgentsWork(t *testing.T) {
	answer := agenttest.Answer{Text: "Here is your plan."}
	gpt, claude := agenttest.StartOpenAI(t, answer), agenttest.StartAnthropic(t, answer)
	for name, environ := range map[string][]string{
		"OpenAI":    {"HEYCMO_OPENAI_KEY=" + agenttest.Key, "HEYCMO_OPENAI_URL=" + gpt.URL, "HEYCMO_MODEL_STANDARD=openai/org/model-1"},
		"Anthropic": {"HEYCMO_ANTHROPIC_KEY=" + agenttest.Key, "HEYCMO_ANTHROPIC_URL=" + claude.URL},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, append(append(database(t), unlimited...), environ...))
			session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).
				Connect(t.Context(), &sdk.StreamableClientTransport{Endpoint: s.url + "/mcp?token=" + s.key}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = session.Close() }()
			call := func(tool string, args map[string]any) string {
				r, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
				if err != nil || r.IsError {
					t.Fatalf("%s: %+v, %v", tool, r, err)
				}
				return r.Content[0].(*sdk.TextContent).Text
			}
			if text := call("ask_cmo", map[string]any{"task": "A plan"}); text != "Here is your plan." {
				t.Errorf("the CMO answers %q", text)
			}
			if text := call("list_runs", nil); !strings.Contains(text, `"status":"completed"`) {
				t.Errorf("runs: %s", text)
			}
			if strings.Contains(s.output, agenttest.Key) {
				t.Error("the key is in the output")
			}
		})
	}
	if got := gpt.Requests()[0].Model; got != "org/model-1" {
		t.Errorf("OpenAI was asked for %s", got)
	}
	if got := claude.Requests()[0].Model; got != "claude-sonnet-5-5" {
		t.Errorf("Anthropic was asked for %s", got)
	}
}

func TestModelSettings(t *testing.T) {
	const key = "HEYCMO_OPENAI_KEY=sk-hunter2"
	for name, c := range map[string]struct {
		environ []string
		want    string // of the error; empty: none
	}{
		"nothing":                 {nil, ""},
		"a key":                   {[]string{key}, ""},
		"both keys":               {[]string{key, "HEYCMO_ANTHROPIC_KEY=sk-hunter2", "HEYCMO_MODEL_RESEARCH=anthropic/claude-opus-5-5"}, ""},
		"a server without a key":  {[]string{"HEYCMO_OPENAI_URL=http://localhost:11434/v1", "HEYCMO_MODEL_STANDARD=openai/qwen3"}, ""},
		"prices and budgets":      {[]string{key, "HEYCMO_MODEL_PRICES=gpt-5.5=1.25/10/0.125,gpt-5.4-mini=0.25/2", "HEYCMO_BUDGET_DAY_COST=2"}, ""},
		"search and embedder":     {[]string{key, "HEYCMO_EXA_KEY=exa", "HEYCMO_X_TOKEN=x", "HEYCMO_EMBEDDER=openai/text-embedding-3-small"}, ""},
		"a server without models": {[]string{"HEYCMO_OPENAI_URL=http://localhost:11434/v1"}, "HEYCMO_MODEL_STANDARD is missing"},
		"no provider":             {[]string{"HEYCMO_MODEL_FAST=openai/x"}, "HEYCMO_MODEL_FAST does nothing without HEYCMO_OPENAI_KEY"},
		"another provider":        {[]string{key, "HEYCMO_MODEL_FAST=anthropic/x"}, "of a provider that is set up"},
		"no provider's name":      {[]string{key, "HEYCMO_MODEL_FAST=gpt-5"}, "HEYCMO_MODEL_FAST must be provider/model"},
		"a bad key":               {[]string{"HEYCMO_OPENAI_KEY=sk hunter2"}, "HEYCMO_OPENAI_KEY is wrong"},
		"an address alone":        {[]string{"HEYCMO_ANTHROPIC_URL=https://a.example"}, "HEYCMO_ANTHROPIC_KEY is missing"},
		"a bad price":             {[]string{key, "HEYCMO_MODEL_PRICES=gpt-5.5=much"}, "HEYCMO_MODEL_PRICES must be model=input/output"},
		"a negative price":        {[]string{key, "HEYCMO_MODEL_PRICES=gpt-5.5=1/-1"}, "HEYCMO_MODEL_PRICES must be model=input/output"},
		"a price of nothing":      {[]string{key, "HEYCMO_MODEL_PRICES=gpt-9=1/1"}, "HEYCMO_MODEL_PRICES names gpt-9, which no tier uses"},
		"money without prices":    {[]string{key, "HEYCMO_BUDGET_RUN_COST=1"}, "HEYCMO_MODEL_PRICES lacks gpt-5.5"},
		"a negative budget":       {[]string{key, "HEYCMO_BUDGET_RUN_COST=-1"}, "must not be negative"},
		"a bad embedder":          {[]string{key, "HEYCMO_EMBEDDER=text-embedding-3-small"}, "HEYCMO_EMBEDDER must be openai/model"},
		"an embedder alone":       {[]string{"HEYCMO_EMBEDDER=openai/text-embedding-3-small"}, "HEYCMO_EMBEDDER is wrong"},
		"a bad key of Exa":        {[]string{"HEYCMO_EXA_KEY=a b"}, "HEYCMO_EXA_KEY is wrong"},
	} {
		out, errOut, err := command(t, append(c.environ, "HEYCMO_DATABASE=:memory:"), "config")
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if strings.Contains(out+errOut+fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: a key is shown:\n%s%s%v", name, out, errOut, err)
		}
	}
}

func TestDoctorAsksModels(t *testing.T) {
	gpt := agenttest.StartOpenAI(t, agenttest.Answer{Text: "Yes."}, agenttest.Answer{Status: 404, Message: "no such model " + agenttest.Key})
	environ := []string{
		"HEYCMO_DATABASE=:memory:", "HEYCMO_OPENAI_KEY=" + agenttest.Key, "HEYCMO_OPENAI_URL=" + gpt.URL,
		"HEYCMO_MODEL_STANDARD=openai/a-model", "HEYCMO_MODEL_FAST=openai/b-model",
	}
	out, _, err := command(t, environ, "doctor")
	if err == nil || !strings.Contains(out, "ok    model a-model: it answers\n") || !strings.Contains(out, "FAIL  model b-model: ") || !strings.Contains(out, "status 404") {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(out+fmt.Sprint(err), agenttest.Key) {
		t.Errorf("the key is shown:\n%s", out)
	}
}
