package agent_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
)

// willing answers whatever it is asked.
type willing struct{ asked int }

func (w *willing) CanAsk(agent.Question) bool { return true }

func (w *willing) Ask(context.Context, map[string]agent.Question) (map[string]agent.Answer, error) {
	w.asked++
	return nil, nil
}

// A question that makes no sense never reaches a client.
func TestWrongQuestions(t *testing.T) {
	w := &willing{}
	ctx := agent.WithAsker(t.Context(), w)
	for want, q := range map[string]agent.Question{
		"schema of a form must": agent.Form{Message: "Name?"},
		"of an object":          agent.Form{Message: "Name?", Schema: &jsonschema.Schema{Type: "string"}},
		"no key \"none\"":       agent.Form{Schema: &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{"a": {Ref: "#/$defs/none"}}}},
		"URL of a visit must":   agent.Visit{Message: "Pay", URL: "javascript:alert(1)"},
		"must have a prompt":    agent.Completion{},
		"no negative MaxTokens": agent.Completion{Prompt: "Go on", MaxTokens: -1},
	} {
		_, err := agent.Ask(ctx, map[string]agent.Question{"it": q})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `question "it"`) {
			t.Errorf("%+v: %v, want %q", q, err, want)
		}
	}
	if w.asked != 0 {
		t.Errorf("the client was asked %d times", w.asked)
	}
	if _, err := agent.Ask(ctx, map[string]agent.Question{"it": agent.Roots{}}); err != nil || w.asked != 1 {
		t.Errorf("a right question: %v", err)
	}
}
