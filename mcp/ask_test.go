package mcp_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage"
)

type address struct {
	Street string `json:"street" jsonschema:"street and number"`
	Floor  int    `json:"floor,omitempty"`
}

// askingTools ask their client in every way.
func askingTools() []*agent.Tool {
	tool := func(name string, fn func(ctx context.Context) (agent.Result, error)) *agent.Tool {
		return agent.NewTool(name, "Asks.", func(ctx context.Context, _ storage.CustomerID, _ empty) (agent.Result, error) {
			return fn(ctx)
		}, nil)
	}
	return []*agent.Tool{
		tool("deliver", func(ctx context.Context) (agent.Result, error) {
			a, err := agent.AskFor[address](ctx, "address", "Where to?")
			return agent.Text("to " + a.Street), err
		}),
		tool("deliver_twice", func(ctx context.Context) (agent.Result, error) {
			first, err := agent.AskFor[address](ctx, "first", "Where to?")
			if err != nil {
				return agent.Result{}, err
			}
			second, err := agent.AskFor[address](ctx, "second", "And then?")
			return agent.Text("to " + first.Street + " and " + second.Street), err
		}),
		tool("think", func(ctx context.Context) (agent.Result, error) {
			answers, err := agent.Ask(ctx, map[string]agent.Question{"thought": agent.Completion{Prompt: "Think!"}})
			return agent.Text(answers["thought"].Text()), err
		}),
		tool("pay", func(ctx context.Context) (agent.Result, error) {
			answers, err := agent.Ask(ctx, map[string]agent.Question{"pay": agent.Visit{Message: "Pay", URL: "https://pay.example/1"}})
			if err == nil && !answers["pay"].Accepted {
				err = agent.ErrDeclined
			}
			return agent.Text("paid"), err
		}),
	}
}

// person answers what the client is asked.
type person struct {
	action  string
	content map[string]any
}

func (p *person) options() *sdk.ClientOptions {
	return &sdk.ClientOptions{
		Capabilities: &sdk.ClientCapabilities{Elicitation: &sdk.ElicitationCapabilities{
			Form: &sdk.FormElicitationCapabilities{}, URL: &sdk.URLElicitationCapabilities{},
		}},
		ElicitationHandler: func(_ context.Context, r *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
			content := p.content
			if r.Params.Mode == "url" || p.action != "accept" {
				content = nil
			}
			return &sdk.ElicitResult{Action: p.action, Content: content}, nil
		},
		//nolint:staticcheck // deprecated, and still served
		CreateMessageHandler: func(_ context.Context, r *sdk.CreateMessageRequest) (*sdk.CreateMessageResult, error) {
			said, _ := r.Params.Messages[0].Content.(*sdk.TextContent)
			//nolint:staticcheck // see above
			return &sdk.CreateMessageResult{Role: "assistant", Model: "m", Content: &sdk.TextContent{Text: "about " + said.Text}}, nil
		},
	}
}

type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// everyTransport connects the official Go SDK in each way that the server speaks.
func everyTransport(t *testing.T, h *host, key string, opts *sdk.ClientOptions, test func(t *testing.T, s *sdk.ClientSession)) {
	client := &http.Client{Transport: bearer(key)}
	for name, c := range map[string]struct {
		transport sdk.Transport
		version   string
	}{
		"sse":             {&sdk.SSEClientTransport{Endpoint: h.URL + "/mcp/sse", HTTPClient: client}, "2025-11-25"},
		"http 2025-11-25": {&sdk.StreamableClientTransport{Endpoint: h.URL + "/mcp", HTTPClient: client}, "2025-11-25"},
		"http 2026-07-28": {&sdk.StreamableClientTransport{Endpoint: h.URL + "/mcp", HTTPClient: client}, "2026-07-28"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, opts).
				Connect(t.Context(), c.transport, &sdk.ClientSessionOptions{ProtocolVersion: c.version})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			test(t, s)
		})
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func callSDK(t *testing.T, s *sdk.ClientSession, tool string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := s.CallTool(ctx, &sdk.CallToolParams{Name: tool, Arguments: map[string]any{}})
	if err != nil {
		return "error: " + err.Error()
	}
	text, ok := r.Content[0].(*sdk.TextContent)
	switch {
	case !ok:
		t.Fatalf("%s: %+v", tool, r)
	case r.IsError:
		return "error: " + text.Text
	}
	return text.Text
}

func TestAsking(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) { o.Tools = askingTools() })
	key, _ := h.customer(t)
	home := person{"accept", map[string]any{"street": "Main Street 1"}}
	for name, c := range map[string]struct {
		person
		tool, want string
	}{
		"a form":      {home, "deliver", "to Main Street 1"},
		"two forms":   {home, "deliver_twice", "to Main Street 1 and Main Street 1"},
		"the model":   {home, "think", "about Think!"},
		"a page":      {home, "pay", "paid"},
		"declined":    {person{action: "decline"}, "deliver", "error: the person at the client declined"},
		"closed":      {person{action: "cancel"}, "deliver", "error: the person at the client declined"},
		"page closed": {person{action: "cancel"}, "pay", "error: the person at the client declined"},
	} {
		t.Run(name, func(t *testing.T) {
			everyTransport(t, h, key, c.options(), func(t *testing.T, s *sdk.ClientSession) {
				if got := callSDK(t, s, c.tool); got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
			})
		})
	}
	t.Run("a client that can't be asked", func(t *testing.T) {
		everyTransport(t, h, key, nil, func(t *testing.T, s *sdk.ClientSession) {
			if got := callSDK(t, s, "think"); !strings.Contains(got, "lends its model") {
				t.Errorf("%q", got)
			}
		})
	})
}

// An answer that doesn't fit the form is refused up to 2025-11-25, and asked for
// again from 2026-07-28 on.
func TestAnswersMustFit(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) { o.Tools = askingTools() })
	key, _ := h.customer(t)
	wrong := &person{"accept", map[string]any{"street": 7}}
	everyTransport(t, h, key, wrong.options(), func(t *testing.T, s *sdk.ClientSession) {
		if got := callSDK(t, s, "deliver"); !strings.HasPrefix(got, "error: ") {
			t.Errorf("%q", got)
		}
	})
}

// Nobody but the one who was asked can answer.
func TestAnswersOfOthers(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) { o.Tools = askingTools() })
	ada, _ := h.customer(t)
	eve, _ := h.customer(t)
	initialize := strings.Replace(initialize, `"capabilities":{}`, `"capabilities":{"elicitation":{}}`, 1)
	s, other := h.openSSE(t, "?token="+ada, nil), h.openSSE(t, "?token="+ada, nil)
	h.ask(t, s, initialize)
	h.accepted(t, s, callTool(2, "deliver", empty{}))
	question := decode(t, s.next(t).data)
	if question.Method != "elicitation/create" {
		t.Fatalf("%+v", question)
	}
	answer := `{"jsonrpc":"2.0","id":"` + question.ID.(string) + `","result":{"action":"accept","content":{"street":"Evil Road"}}}`
	foreign := h.openSSE(t, "?token="+eve, nil)
	h.accepted(t, foreign, answer)
	h.accepted(t, other, answer)
	h.accepted(t, s, strings.Replace(answer, question.ID.(string), "MADEUP", 1))
	h.accepted(t, s, strings.Replace(answer, "Evil Road", "Main Street", 1))
	if text, _ := decode(t, s.next(t).data).toolResult(t); text != "to Main Street" {
		t.Errorf("%q", text)
	}
}

// What a client sends back is taken only from the customer, for the tool and the
// arguments that it was made for, and only for some minutes.
func TestRequestStateFitsOneRequest(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) { o.Tools = askingTools() })
	ada, _ := h.customer(t)
	eve, _ := h.customer(t)
	call := func(key, tool string, params map[string]any) (int, message) {
		params["name"] = tool
		params["_meta"] = map[string]any{"io.modelcontextprotocol/clientCapabilities": map[string]any{"elicitation": map[string]any{}}}
		r := h.do(t, "POST", "/mcp", modern(1, "tools/call", params), modernHeader(key, "tools/call", tool))
		return r.status, r.messages(t)[0]
	}
	first := func() (string, map[string]any) {
		_, m := call(ada, "deliver_twice", map[string]any{"arguments": map[string]any{}})
		var result struct {
			Type     string         `json:"resultType"`
			Requests map[string]any `json:"inputRequests"`
			State    string         `json:"requestState"`
		}
		if err := json.Unmarshal(m.Result, &result); err != nil {
			t.Fatal(err)
		}
		if result.Type != "input_required" || len(result.Requests) != 1 || result.Requests["first"] == nil || result.State == "" {
			t.Fatalf("%s", m.Result)
		}
		return result.State, map[string]any{"first": map[string]any{"action": "accept", "content": map[string]any{"street": "Here"}}}
	}
	state, answers := first()
	for name, c := range map[string]struct {
		key, tool string
		params    map[string]any
	}{
		"another customer":  {eve, "deliver_twice", map[string]any{"arguments": map[string]any{}}},
		"another tool":      {ada, "deliver", map[string]any{"arguments": map[string]any{}}},
		"other arguments":   {ada, "deliver_twice", map[string]any{"arguments": map[string]any{"a": 1}}},
		"a changed state":   {ada, "deliver_twice", map[string]any{"arguments": map[string]any{}, "requestState": state[1:] + state[:1]}},
		"a state of ours?":  {ada, "deliver_twice", map[string]any{"arguments": map[string]any{}, "requestState": 7}},
		"answers of a list": {ada, "deliver_twice", map[string]any{"arguments": map[string]any{}, "inputResponses": []int{1}}},
	} {
		if c.params["requestState"] == nil {
			c.params["requestState"] = state
		}
		if c.params["inputResponses"] == nil {
			c.params["inputResponses"] = answers
		}
		if status, m := call(c.key, c.tool, c.params); status != http.StatusBadRequest || m.Error == nil || m.Error.Code != -32602 {
			t.Errorf("%s: %d %s %+v", name, status, m.Result, m.Error)
		}
	}
	status, m := call(ada, "deliver_twice", map[string]any{"arguments": map[string]any{}, "requestState": state, "inputResponses": answers})
	if status != http.StatusOK || !strings.Contains(string(m.Result), `"second"`) || strings.Contains(string(m.Result), `"first":{"method"`) {
		t.Errorf("the second round: %d %s %+v", status, m.Result, m.Error)
	}
}

// A call that waits for a person ends when the client cancels it, and tells the
// client that the question is void.
func TestCancelWhileAsking(t *testing.T) {
	h := newHost(t, func(o *heycmo.Options) { o.Tools = askingTools() })
	key, _ := h.customer(t)
	s := h.openSSE(t, "?token="+key, nil)
	h.ask(t, s, strings.Replace(initialize, `"capabilities":{}`, `"capabilities":{"elicitation":{}}`, 1))
	h.accepted(t, s, callTool(2, "deliver", empty{}))
	question := decode(t, s.next(t).data)
	h.accepted(t, s, rpc(nil, "notifications/cancelled", map[string]any{"requestId": 2}))
	void := decode(t, s.next(t).data)
	if void.Method != "notifications/cancelled" || void.Params["requestId"] != question.ID {
		t.Errorf("%+v", void)
	}
	if text, isError := decode(t, s.next(t).data).toolResult(t); !isError || !strings.Contains(text, "cancelled") {
		t.Errorf("%q", text)
	}
}

func TestResourceUpdates(t *testing.T) {
	h := newHost(t, nil)
	ada, id := h.customer(t)
	_, eve := h.customer(t)
	updates := make(chan string, 10)
	opts := &sdk.ClientOptions{ResourceUpdatedHandler: func(_ context.Context, r *sdk.ResourceUpdatedNotificationRequest) {
		updates <- r.Params.URI
	}}
	everyTransport(t, h, ada, opts, func(t *testing.T, s *sdk.ClientSession) {
		for _, uri := range []string{"test://who", "test://broken"} {
			if err := s.Subscribe(t.Context(), &sdk.SubscribeParams{URI: uri}); err != nil {
				t.Fatal(err)
			}
		}
		// The stream of a client may open a moment after its subscription.
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		end := time.After(patience)
		for heard := 0; heard < 5; {
			select {
			case uri := <-updates:
				if uri != "test://who" {
					t.Fatalf("an update of %s", uri)
				}
				heard++
			case <-tick.C:
				h.heycmo.ResourceUpdated(eve, "test://broken") // watched, but not hers
				h.heycmo.ResourceUpdated(id, "test://other")   // his, but not watched
				h.heycmo.ResourceUpdated(id, "test://who")
			case <-end:
				t.Fatal("no update came")
			}
		}
	})
}

func TestCompletion(t *testing.T) {
	h := newHost(t, nil)
	key, id := h.customer(t)
	everyTransport(t, h, key, nil, func(t *testing.T, s *sdk.ClientSession) {
		for _, c := range []struct {
			ref         *sdk.CompleteReference
			name, typed string
			want        string
		}{
			{&sdk.CompleteReference{Type: "ref/prompt", Name: "greet"}, "name", "A", "Ada Alan"},
			{&sdk.CompleteReference{Type: "ref/prompt", Name: "greet"}, "other", "A", ""},
			{&sdk.CompleteReference{Type: "ref/prompt", Name: "none"}, "name", "A", ""},
			{&sdk.CompleteReference{Type: "ref/resource", URI: "test://note/{id}"}, "id", "of-", "of-" + string(id)},
			{&sdk.CompleteReference{Type: "ref/resource", URI: "test://note/{id}"}, "id", "x", ""},
		} {
			r, err := s.Complete(t.Context(), &sdk.CompleteParams{Ref: c.ref, Argument: sdk.CompleteParamsArgument{Name: c.name, Value: c.typed}})
			if err != nil || strings.Join(r.Completion.Values, " ") != c.want {
				t.Errorf("%+v %q: %+v, %v, want %q", c.ref, c.typed, r, err, c.want)
			}
		}
	})
}
