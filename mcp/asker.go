package mcp

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/heycmo/heycmo-go/agent"
)

// asker brings a call's questions to its client. Up to 2025-11-25 it sends them
// as requests and waits. From 2026-07-28 on it ends the call with what is
// missing, and the client calls again with the answers (MCP 2026-07-28, "Multi
// Round-Trip Requests").
type asker struct {
	*exchange
	asks *asks
}

// missingCapability says what the client would have to be able to do.
type missingCapability struct {
	capabilities
	ability string
}

func (m *missingCapability) Error() string { return "this needs a client that " + m.ability }

// inputNeeded ends a call until the client has answered.
type inputNeeded struct {
	questions map[string]agent.Question
	answers   map[string]json.RawMessage // that are there already
}

func (*inputNeeded) Error() string { return "the client must answer first" }

// CanAsk reports whether the client has declared that it answers such questions.
func (a *asker) CanAsk(q agent.Question) bool {
	return a.session.capabilities().has(needed(q))
}

// Ask is described at [agent.Ask].
func (a *asker) Ask(ctx context.Context, questions map[string]agent.Question) (map[string]agent.Answer, error) {
	for _, q := range questions {
		if !a.CanAsk(q) {
			return nil, agent.Errorf("%w", &missingCapability{needed(q), ability(q)})
		}
	}
	if a.modern {
		return a.recall(questions)
	}
	return a.send(ctx, questions)
}

// recall returns the answers that came with the request, if all are there.
func (a *asker) recall(questions map[string]agent.Question) (map[string]agent.Answer, error) {
	answers, open := map[string]agent.Answer{}, map[string]agent.Question{}
	for name, q := range questions {
		answer, err := readAnswer(q, a.given[name])
		if err != nil {
			delete(a.given, name) // asked again
			open[name] = q
			continue
		}
		answers[name] = answer
	}
	if len(open) > 0 {
		return nil, agent.Errorf("%w", &inputNeeded{open, a.given})
	}
	return answers, nil
}

// send asks over the connection and waits for all answers.
func (a *asker) send(ctx context.Context, questions map[string]agent.Question) (map[string]agent.Answer, error) {
	answers := make(map[string]agent.Answer, len(questions))
	waiting := make(map[string]*ask, len(questions))
	for name, q := range questions {
		ask := a.asks.begin(a.caller.Customer, a.session.id)
		defer a.asks.end(ask)
		waiting[name] = ask
		if err := a.notify(requestFor(ask.id, q)); err != nil {
			return nil, agent.Errorf("the client can't be asked over this connection")
		}
	}
	for name, ask := range waiting {
		select {
		case e := <-ask.answer:
			if e.Error != nil {
				return nil, agent.Errorf("the client could not answer")
			}
			answer, err := readAnswer(questions[name], e.Result)
			if err != nil {
				return nil, agent.Errorf("the client's answer can't be used: %w", err)
			}
			answers[name] = answer
		case <-ctx.Done():
			_ = a.notify(notification("notifications/cancelled", map[string]any{"requestId": ask.id}))
			return nil, ctx.Err()
		}
	}
	return answers, nil
}

// readAnswer reads the result of a request to the client.
func readAnswer(q agent.Question, raw json.RawMessage) (agent.Answer, error) {
	switch q.(type) {
	case agent.Completion, agent.Roots:
		return agent.Answer{Accepted: true, Content: raw}, agent.CheckAnswer(q, raw)
	}
	var result struct {
		Action  string          `json:"action"`
		Content json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		return agent.Answer{}, fmt.Errorf("it must be a JSON object")
	}
	switch result.Action {
	case "accept":
		return agent.Answer{Accepted: true, Content: result.Content}, agent.CheckAnswer(q, result.Content)
	case "decline", "cancel":
		return agent.Answer{}, nil
	}
	return agent.Answer{}, fmt.Errorf("its action must be accept, decline or cancel")
}

func needed(q agent.Question) capabilities {
	switch q.(type) {
	case agent.Visit:
		return capURL
	case agent.Completion:
		return capSampling
	case agent.Roots:
		return capRoots
	}
	return capForm
}

func ability(q agent.Question) string {
	switch q.(type) {
	case agent.Visit:
		return "can open a page for the person (URL elicitation)"
	case agent.Completion:
		return "lends its model (sampling)"
	case agent.Roots:
		return "tells the folders it works in (roots)"
	}
	return "can show a form (elicitation)"
}

// requestFor returns a question as a request of the revisions up to 2025-11-25.
func requestFor(id json.RawMessage, q agent.Question) rpcMessage {
	r := inputRequest(q)
	switch {
	case r.Elicitation != nil:
		if r.Elicitation.Mode == mcpgo.ElicitationModeURL {
			r.Elicitation.ElicitationID = rand.Text()
		}
		return request(id, string(r.Method), r.Elicitation)
	case r.Sampling != nil:
		return request(id, string(r.Method), r.Sampling)
	}
	return request(id, string(r.Method), nil)
}

// inputRequest returns a question as 2026-07-28 writes it into a result.
func inputRequest(q agent.Question) mcpgo.InputRequest {
	switch q := q.(type) {
	case agent.Form:
		return mcpgo.NewElicitationInputRequest(mcpgo.ElicitationParams{Message: q.Message, RequestedSchema: q.Schema})
	case agent.Visit:
		return mcpgo.NewElicitationInputRequest(mcpgo.ElicitationParams{Mode: mcpgo.ElicitationModeURL, Message: q.Message, URL: q.URL})
	case agent.Completion:
		return mcpgo.NewSamplingInputRequest(mcpgo.CreateMessageParams{
			Messages:  []mcpgo.SamplingMessage{{Role: mcpgo.RoleUser, Content: mcpgo.NewTextContent(q.Prompt)}},
			MaxTokens: defaultTo(q.MaxTokens, 1000),
		})
	}
	return mcpgo.NewRootsInputRequest()
}
