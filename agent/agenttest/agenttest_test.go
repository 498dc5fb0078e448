package agenttest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/agenttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func hello() agent.ModelRequest {
	return agent.ModelRequest{Model: "m", Messages: []agent.Message{{Role: agent.RoleUser, Text: "Hello."}}}
}

func TestScript(t *testing.T) {
	call := agent.ToolCall{ID: "a", Name: "f", Arguments: json.RawMessage(`{}`)}
	s := agenttest.NewScript(agenttest.Answer{Text: "Let me see.", Calls: []agent.ToolCall{call}}, agenttest.Answer{Text: "Grüß Gott, it is noon."})
	got, err := s.Generate(t.Context(), hello())
	if err != nil || got.Stop != agent.StopCalls || !reflect.DeepEqual(got.Message.Calls, []agent.ToolCall{call}) {
		t.Errorf("%+v, %v", got, err)
	}
	var shown []string
	got, err = s.Stream(t.Context(), hello(), func(part string) { shown = append(shown, part) })
	if err != nil || got.Stop != agent.StopEnd || len(shown) < 2 || strings.Join(shown, "") != got.Message.Text {
		t.Errorf("%+v, %v, shown %q", got, err, shown)
	}
	if _, err = s.Generate(t.Context(), hello()); kindOf(err) != agent.ModelRefused {
		t.Errorf("after the end: %v", err)
	}
	if r := s.Requests(); len(r) != 3 || r[0].Stream || !r[1].Stream || r[0].Messages[0].Text != "Hello." {
		t.Errorf("it was asked %+v", r)
	}
}

func kindOf(err error) agent.ModelErrorKind {
	if failed, ok := errors.AsType[*agent.ModelError](err); ok {
		return failed.Kind
	}
	return ""
}

func TestScriptFails(t *testing.T) {
	for _, test := range []struct {
		a    agenttest.Answer
		want agent.ModelErrorKind
	}{
		{agenttest.Answer{Status: 429, After: time.Second}, agent.ModelBusy},
		{agenttest.Answer{Status: 503}, agent.ModelUnavailable},
		{agenttest.Answer{Cut: true}, agent.ModelUnavailable},
		{agenttest.Answer{Garbage: true}, agent.ModelUnavailable},
		{agenttest.Answer{TooLong: true}, agent.ModelTooLong},
		{agenttest.Answer{Status: 401}, agent.ModelRefused},
	} {
		if _, err := agenttest.NewScript(test.a).Generate(t.Context(), hello()); kindOf(err) != test.want {
			t.Errorf("%+v: %v, want %q", test.a, err, test.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := agenttest.NewScript(agenttest.Answer{Delay: time.Hour, Asked: func(agenttest.Request) { cancel() }}).Generate(ctx, hello()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	own := errors.New("own")
	if _, err := agenttest.ScriptFunc(func(int, agent.ModelRequest) (agenttest.Answer, error) { return agenttest.Answer{}, own }).Generate(t.Context(), hello()); !errors.Is(err, own) {
		t.Errorf("the function's error: %v", err)
	}
}

// post asks as a program without a driver does.
func post(t *testing.T, url, body string, header http.Header) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

var yes = agenttest.Answer{Text: "Yes.", Calls: []agent.ToolCall{{Name: "f", Arguments: json.RawMessage(`{"a":1}`)}}}

func TestOpenAIRefuses(t *testing.T) {
	s := agenttest.StartOpenAI(t, yes)
	key := http.Header{"Authorization": {"Bearer " + agenttest.Key}}
	const call = `{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"x"}}]}`
	ask := func(messages, more string) string { return `{"model":"m","messages":[` + messages + `]` + more + `}` }
	const user = `{"role":"user","content":"Hello."}`
	for _, body := range []string{
		`garbage`,
		ask("", ""),
		ask(user, `,"max_tocens":1`),
		ask(`{"role":"user","text":"Hello."}`, ""),
		ask(`{"role":"user","content":null}`, ""),
		ask(`{"role":"nobody","content":"Hello."}`, ""),
		ask(user+","+call, ""),
		ask(user+","+call+","+user, ""),
		ask(user+`,{"role":"tool","tool_call_id":"a","content":"x"}`, ""),
		ask(user+","+call+`,{"role":"tool","tool_call_id":"b","content":"x"}`, ""),
		ask(user, `,"tool_choice":"required"`),
		ask(user, `,"max_tokens":1,"max_completion_tokens":1`),
		ask(user, `,"stream_options":{"include_usage":true}`),
		ask(user, `,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]`),
	} {
		if status, text := post(t, s.URL+"/chat/completions", body, key); status != 400 || !strings.Contains(text, `"error":{`) {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	if status, _ := post(t, s.URL+"/chat/completions", ask(user, ""), http.Header{"Authorization": {"Bearer other"}}); status != 401 {
		t.Errorf("another key: %d", status)
	}
	if status, _ := post(t, s.URL+"/responses", ask(user, ""), key); status != 404 {
		t.Errorf("another path: %d", status)
	}
	status, text := post(t, s.URL+"/chat/completions", ask(user+","+call+`,{"role":"tool","tool_call_id":"a","content":"x"}`, ""), key)
	if status != 200 || !strings.Contains(text, `"arguments":"{\"a\":1}"`) || len(s.Requests()) != 1 {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := post(t, s.URL+"/chat/completions", ask(user, ""), key); status != 400 {
		t.Errorf("after the end: %d", status)
	}
	s.Add(yes)
	if status, _ := post(t, s.URL+"/chat/completions", ask(user, ""), key); status != 200 {
		t.Errorf("with one more: %d", status)
	}
}

func TestAnthropicRefuses(t *testing.T) {
	s := agenttest.StartAnthropic(t, yes)
	key := http.Header{"X-Api-Key": {agenttest.Key}, "Anthropic-Version": {"2026-10-21"}}
	turn := func(role, block string) string { return `{"role":"` + role + `","content":[` + block + `]}` }
	ask := func(messages, more string) string {
		return `{"model":"m","max_tokens":1,"messages":[` + messages + `]` + more + `}`
	}
	user := turn("user", `{"type":"text","text":"Hello."}`)
	call := turn("assistant", `{"type":"tool_use","id":"a","name":"f","input":{}}`)
	result := func(id string) string {
		return turn("user", `{"type":"tool_result","tool_use_id":"`+id+`","content":[{"type":"text","text":"x"}]}`)
	}
	for _, body := range []string{
		`garbage`,
		ask("", ""),
		ask(user, `,"temperature":1`),
		`{"model":"m","messages":[` + user + `]}`,
		ask(turn("user", ""), ""),
		ask(turn("nobody", `{"type":"text","text":"Hello."}`), ""),
		ask(turn("user", `{"type":"text","text":""}`), ""),
		ask(turn("assistant", `{"type":"tool_use","id":"a","name":"f","input":"x"}`)+","+result("a"), ""),
		ask(user+","+call, ""),
		ask(user+","+call+","+user, ""),
		ask(user+","+call+","+result("b"), ""),
		ask(user+","+result("a"), ""),
		ask(user+","+call+","+result("a")+","+call+","+result("a"), ""),
		ask(user, `,"tool_choice":{"type":"any"}`),
		ask(user, `,"tools":[{"name":"f","input_schema":{}}]`),
		ask(user, `,"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"},"thinking":{"type":"adaptive"}`),
	} {
		if status, text := post(t, s.URL+"/v1/messages", body, key); status != 400 || !strings.Contains(text, `"type":"error"`) {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	if status, _ := post(t, s.URL+"/v1/messages", ask(user, ""), http.Header{"X-Api-Key": {agenttest.Key}}); status != 401 {
		t.Errorf("without a version: %d", status)
	}
	const tools = `,"tools":[{"name":"f","input_schema":{"type":"object"}}]`
	if status, _ := post(t, s.URL+"/v1/messages", ask(user+","+call+","+result("a"), ""), key); status != 400 {
		t.Errorf("a call of tools that aren't there: %d", status)
	}
	status, text := post(t, s.URL+"/v1/messages", ask(user+","+call+","+result("a"), tools), key)
	if status != 200 || !strings.Contains(text, `"input":{"a":1}`) || !strings.Contains(text, `"stop_reason":"tool_use"`) {
		t.Errorf("%d %s", status, text)
	}
}

func TestAnswerWith(t *testing.T) {
	s := agenttest.StartOpenAI(t)
	s.AnswerWith(func(n int, r agenttest.Request) agenttest.Answer {
		return agenttest.Answer{Text: strings.Repeat(r.Messages[0].Text+"!", n+1)}
	})
	for _, want := range []string{`"hello!"`, `"hello!hello!"`} {
		status, text := post(t, s.URL+"/chat/completions", `{"model":"m","messages":[{"role":"user","content":"hello"}]}`, http.Header{"Authorization": {"Bearer " + agenttest.Key}})
		if status != 200 || !strings.Contains(text, want) {
			t.Errorf("%d %s, want %s", status, text, want)
		}
	}
	if n := len(s.Requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
}
