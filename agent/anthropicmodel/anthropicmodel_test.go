package anthropicmodel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/agenttest"
	"github.com/heycmo/heycmo-go/agent/anthropicmodel"
	"github.com/heycmo/heycmo-go/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, o anthropicmodel.Options) *anthropicmodel.Model {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	o.Transport = transport
	m, err := anthropicmodel.New(agenttest.Key, &o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestModel(t *testing.T) {
	agenttest.RunModel(t, func(t *testing.T, answers ...agenttest.Answer) agent.Model {
		return open(t, anthropicmodel.Options{BaseURL: agenttest.StartAnthropic(t, answers...).URL})
	})
}

func serve(t *testing.T, status int, kind, body string) *anthropicmodel.Model {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return open(t, anthropicmodel.Options{BaseURL: s.URL, Retries: -1})
}

func hello() agent.ModelRequest {
	return agent.ModelRequest{Model: "m", Messages: []agent.Message{{Role: agent.RoleUser, Text: "Hello."}}}
}

// events are server-sent ones; what each is stands in its data.
func events(data ...string) string {
	var b strings.Builder
	for _, d := range data {
		var typed struct {
			Type string `json:"type"`
		}
		_ = json.Unmarshal([]byte(d), &typed)
		fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", typed.Type, d)
	}
	return b.String()
}

const (
	start = `{"type":"message_start","message":{"content":[],"usage":{"input_tokens":1,"cache_read_input_tokens":20,"cache_creation_input_tokens":300,"output_tokens":1}}}`
	text  = `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`
	yes   = `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Yes"}}`
	stop  = `{"type":"message_stop"}`
)

func end(reason string) string {
	return fmt.Sprintf(`{"type":"message_delta","delta":{"stop_reason":%q},"usage":{"output_tokens":7}}`, reason)
}

func TestStreams(t *testing.T) {
	for _, test := range []struct {
		name, body string
		stop       agent.StopReason // empty: unavailable
		text       string
		calls      string
	}{
		{"nothing", "", "", "", ""},
		{"no end, but no error either", events(start, text, yes), "", "", ""},
		{"no stop", events(start, text, yes, end("end_turn")), "", "", ""},
		{"no reason", events(start, text, yes, stop), "", "", ""},
		{"an error in the middle", events(start, text, yes, `{"type":"error","error":{"type":"overloaded_error","message":"x"}}`), "", "", ""},
		{"end_turn", events(start, text, yes, end("end_turn"), stop), agent.StopEnd, "Yes", ""},
		{"stop_sequence", events(start, text, yes, end("stop_sequence"), stop), agent.StopEnd, "Yes", ""},
		{"pause_turn", events(start, text, yes, end("pause_turn"), stop), agent.StopEnd, "Yes", ""},
		{"a reason of the future", events(start, text, yes, end("bored"), stop), agent.StopEnd, "Yes", ""},
		{"max_tokens", events(start, text, yes, end("max_tokens"), stop), agent.StopLength, "Yes", ""},
		{"model_context_window_exceeded", events(start, text, yes, end("model_context_window_exceeded"), stop), agent.StopLength, "Yes", ""},
		{"refusal", events(start, text, yes, end("refusal"), stop), agent.StopFilter, "Yes", ""},
		{"arguments at once", events(start, `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f","input":{"a":1}}}`, end("tool_use"), stop),
			agent.StopCalls, "", `{"a":1}`},
		{"pieces for nobody", events(start, text, yes, `{"type":"content_block_delta","index":9,"delta":{"type":"input_json_delta","partial_json":"{}"}}`,
			`{"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":"hm"}}`, end("end_turn"), stop), agent.StopEnd, "Yes", ""},
	} {
		got, err := serve(t, 200, "text/event-stream", test.body).Stream(t.Context(), hello(), nil)
		if test.stop == "" {
			wantKind(t, test.name, err, agent.ModelUnavailable)
			continue
		}
		calls := ""
		for _, call := range got.Message.Calls {
			calls += string(call.Arguments)
		}
		if err != nil || got.Stop != test.stop || got.Message.Text != test.text || calls != test.calls {
			t.Errorf("%s: %+v, %v", test.name, got, err)
		}
		if want := (agent.Tokens{Input: 321, Output: 7, Cached: 20}); got.Tokens != want {
			t.Errorf("%s: %+v, want %+v", test.name, got.Tokens, want)
		}
	}
}

func wantKind(t *testing.T, what string, err error, want agent.ModelErrorKind) {
	t.Helper()
	if failed := new(agent.ModelError); !errors.As(err, &failed) || failed.Kind != want {
		t.Errorf("%s: %v, want the kind %q", what, err, want)
	}
}

func TestErrors(t *testing.T) {
	fault := func(kind, message string) string {
		return fmt.Sprintf(`{"type":"error","error":{"type":%q,"message":%q}}`, kind, message)
	}
	for _, test := range []struct {
		status int // 200: in the stream
		body   string
		want   agent.ModelErrorKind
	}{
		{400, fault("invalid_request_error", "prompt is too long: 2 tokens > 1 maximum"), agent.ModelTooLong},
		{400, fault("invalid_request_error", "input length and `max_tokens` exceed context limit: 1 + 2 > 2"), agent.ModelTooLong},
		{413, fault("request_too_large", "x"), agent.ModelTooLong},
		{429, `{"type":"error","error":{"type":"rate_limit_error","details":{"error_code":"enforced_spend_limit_reached"}}}`, agent.ModelRefused},
		{529, fault("overloaded_error", "x"), agent.ModelUnavailable},
		{502, `<html>Bad gateway</html>`, agent.ModelUnavailable},
		{307, ``, agent.ModelRefused},
		{200, fault("rate_limit_error", "x"), agent.ModelBusy},
		{200, fault("overloaded_error", "x"), agent.ModelUnavailable},
		{200, fault("authentication_error", "x"), agent.ModelRefused},
		{200, fault("request_too_large", "x"), agent.ModelTooLong},
		{200, fault("invalid_request_error", "prompt is too long"), agent.ModelTooLong},
	} {
		m := serve(t, test.status, "application/json", test.body)
		if test.status == 200 {
			m = serve(t, 200, "text/event-stream", events(start, test.body))
		}
		_, err := m.Generate(t.Context(), hello())
		wantKind(t, test.body, err, test.want)
	}
}

// TestQuiet: nothing comes from the environment, and nobody is told of the machine.
func TestQuiet(t *testing.T) {
	t.Setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
	t.Setenv("ANTHROPIC_AUTH_TOKEN", "token-of-somebody")
	t.Setenv("ANTHROPIC_API_KEY", "sk-of-somebody")
	t.Setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Own: of-somebody")
	var header http.Header
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		w.WriteHeader(http.StatusTeapot)
	}))
	defer s.Close()
	_, err := open(t, anthropicmodel.Options{BaseURL: s.URL}).Generate(t.Context(), hello())
	wantKind(t, "a teapot", err, agent.ModelRefused)
	if got := header.Get("Authorization"); got != "Bearer "+agenttest.Key {
		t.Errorf("asked with %q", got)
	}
	for name, values := range header {
		if strings.HasPrefix(name, "X-") || name == "Traceparent" || strings.Contains(values[0], "somebody") {
			t.Errorf("it sends %s: %s", name, values[0])
		}
	}
}

func TestSchemaAndArguments(t *testing.T) {
	type in struct {
		City string `json:"city" jsonschema:"the town"`
		Days int    `json:"days,omitempty"`
	}
	s := agenttest.StartAnthropic(t, agenttest.Answer{Text: "Yes."})
	r := hello()
	r.Tools = []*agent.Tool{agent.NewTool("weather", "Tells it.", func(context.Context, storage.CustomerID, in) (agent.Result, error) { return agent.Result{}, nil }, nil)}
	r.Messages = append(r.Messages, agent.Message{Role: agent.RoleModel, Calls: []agent.ToolCall{
		{ID: "a", Name: "weather", Arguments: json.RawMessage(`{"city": "Ul`)}, {ID: "b", Name: "weather", Arguments: json.RawMessage(` {"city":"Ulm"} `)},
	}}, agent.Message{Role: agent.RoleTool, Results: []agent.ToolResult{{ID: "a", Text: "What?", IsError: true}, {ID: "b", Text: "rain"}}})
	if _, err := open(t, anthropicmodel.Options{BaseURL: s.URL}).Generate(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	request := s.Requests()[0]
	if n := strings.Count(string(request.Body), `"type":"object"`); n != 1 {
		t.Errorf("the schema's type is there %d times: %s", n, request.Body)
	}
	var got struct {
		Tools []struct {
			InputSchema map[string]any `json:"input_schema"`
		} `json:"tools"`
	}
	if err := json.Unmarshal(request.Body, &got); err != nil {
		t.Fatal(err)
	}
	sent, _ := json.Marshal(got.Tools[0].InputSchema)
	var want map[string]any
	whole, _ := json.Marshal(r.Tools[0].InputSchema())
	_ = json.Unmarshal(whole, &want)
	if whole, _ = json.Marshal(want); string(sent) != string(whole) {
		t.Errorf("the schema is %s, want %s", sent, whole)
	}
	calls := request.Messages[1].Calls
	if string(calls[0].Arguments) != `{"invalid_arguments":"{\"city\": \"Ul"}` || string(calls[1].Arguments) != `{"city":"Ulm"}` {
		t.Errorf("arguments %s, %s", calls[0].Arguments, calls[1].Arguments)
	}
}

func TestNoThinking(t *testing.T) {
	for no, want := range map[bool]bool{true: true, false: false} {
		s := agenttest.StartAnthropic(t, agenttest.Answer{Text: "Yes."})
		if _, err := open(t, anthropicmodel.Options{BaseURL: s.URL + "/", NoThinking: no}).Generate(t.Context(), hello()); err != nil {
			t.Fatal(err)
		}
		if body := string(s.Requests()[0].Body); strings.Contains(body, `"thinking":{"type":"disabled"}`) != want {
			t.Errorf("without thinking %t: %s", no, body)
		}
	}
}

func TestTimeoutAndLog(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	s := agenttest.StartAnthropic(t, agenttest.Answer{Delay: time.Hour}, agenttest.Answer{Status: 401, Message: "Hello. " + agenttest.Key})
	m := open(t, anthropicmodel.Options{BaseURL: s.URL, Timeout: 50 * time.Millisecond, Retries: -1, Log: zap.New(core)})
	_, err := m.Generate(t.Context(), hello())
	wantKind(t, "no answer", err, agent.ModelUnavailable)
	_, _ = m.Generate(t.Context(), hello())
	if logs.Len() != 2 {
		t.Errorf("%d lines of log, want 2", logs.Len())
	}
	for _, line := range logs.All() {
		if text := fmt.Sprint(line.Message, line.ContextMap()); strings.Contains(text, agenttest.Key) || strings.Contains(text, "Hello") {
			t.Errorf("the log tells %q", text)
		}
	}
}

func TestNew(t *testing.T) {
	for key, o := range map[string]*anthropicmodel.Options{
		"":      nil,
		"a key": nil,
		"k1":    {BaseURL: "ftp://example.com"},
		"k2":    {BaseURL: "https://user:pass@example.com"},
		"k3":    {Timeout: -1},
	} {
		if _, err := anthropicmodel.New(key, o); err == nil || strings.Contains(err.Error(), "pass") {
			t.Errorf("%q, %+v: %v", key, o, err)
		}
	}
	m, err := anthropicmodel.New(agenttest.Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v", m, m, m); strings.Contains(text, agenttest.Key) {
		t.Errorf("it prints %s", text)
	}
	r := hello()
	r.Messages[0].Role = "nobody"
	if _, err := m.Generate(t.Context(), r); err == nil {
		t.Error("an unknown role was taken")
	}
	r = hello()
	r.Tools = []*agent.Tool{{Name: "unmade"}}
	if _, err := m.Generate(t.Context(), r); err == nil {
		t.Error("a tool without a schema was taken")
	}
}
