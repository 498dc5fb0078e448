package openaimodel_test

import (
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
	"github.com/heycmo/heycmo-go/agent/openaimodel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, o openaimodel.Options) *openaimodel.Model {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	o.Transport = transport
	m, err := openaimodel.New(agenttest.Key, &o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestModel(t *testing.T) {
	agenttest.RunModel(t, func(t *testing.T, answers ...agenttest.Answer) agent.Model {
		return open(t, openaimodel.Options{BaseURL: agenttest.StartOpenAI(t, answers...).URL})
	})
}

// serve answers with status and body, and as a stream if there is "data:" in it.
func serve(t *testing.T, status int, body string) *openaimodel.Model {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(body, "data:") {
			w.Header().Set("Content-Type", "text/event-stream")
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return open(t, openaimodel.Options{BaseURL: s.URL, Retries: -1})
}

func hello() agent.ModelRequest {
	return agent.ModelRequest{Model: "m", Messages: []agent.Message{{Role: agent.RoleUser, Text: "Hello."}}}
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		name, body string
		stop       agent.StopReason // empty: unavailable
		text       string
		calls      int
	}{
		{"no choices", `{"choices":[]}`, "", "", 0},
		{"null", `null`, "", "", 0},
		{"empty", ``, "", "", 0},
		{"no end", `{"choices":[{"message":{"content":"Yes."}}]}`, "", "", 0},
		{"filter", `{"choices":[{"message":{"content":"No"},"finish_reason":"content_filter"}]}`, agent.StopFilter, "No", 0},
		{"calls that end with stop", `{"choices":[{"message":{"content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}]}`, agent.StopCalls, "", 1},
	} {
		got, err := serve(t, 200, test.body).Generate(t.Context(), hello())
		check(t, test.name, got, err, test.stop, test.text, test.calls)
	}
}

func TestStreams(t *testing.T) {
	chunk := func(delta, finish string) string {
		return fmt.Sprintf("data: {\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":%s}]}\n\n", delta, finish)
	}
	call := func(index int, id string) string {
		return fmt.Sprintf(`{"tool_calls":[{"index":%d,"id":%q,"function":{"name":"f","arguments":"{}"}}]}`, index, id)
	}
	for _, test := range []struct {
		name, body string
		stop       agent.StopReason
		text       string
		calls      int
	}{
		{"nothing but the end", "data: [DONE]\n\n", "", "", 0},
		{"no end, but no error either", chunk(`{"content":"Yes"}`, "null"), "", "", 0},
		{"an error in the middle", chunk(`{"content":"Yes"}`, "null") + "data: {\"error\":{\"message\":\"x\"}}\n\n", "", "", 0},
		{"without [DONE]", chunk(`{"content":"Yes"}`, `"stop"`), agent.StopEnd, "Yes", 0},
		{"the index -1", chunk(call(-1, "a"), `"tool_calls"`), agent.StopCalls, "", 1},
		{"an index far away", chunk(call(1<<40, "a"), `"tool_calls"`), "", "", 0},
		{"a gap", chunk(call(1, "a"), `"tool_calls"`), "", "", 0},
	} {
		got, err := serve(t, 200, test.body).Stream(t.Context(), hello(), func(string) {})
		check(t, test.name, got, err, test.stop, test.text, test.calls)
	}
}

func check(t *testing.T, name string, got agent.ModelResponse, err error, stop agent.StopReason, text string, calls int) {
	t.Helper()
	if stop == "" {
		if failed := new(agent.ModelError); !errors.As(err, &failed) || failed.Kind != agent.ModelUnavailable {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	} else if err != nil || got.Stop != stop || got.Message.Text != text || len(got.Message.Calls) != calls {
		t.Errorf("%s: %+v, %v", name, got, err)
	}
}

func TestErrors(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		want   agent.ModelErrorKind
	}{
		{400, `{"error":{"code":"context_length_exceeded"}}`, agent.ModelTooLong},
		{400, `{"object":"error","message":"This model's maximum context length is 4096 tokens.","code":400}`, agent.ModelTooLong},
		{400, `{"error":{"code":400,"type":"exceed_context_size_error"}}`, agent.ModelTooLong},
		{400, `{"error":"no object"}`, agent.ModelRefused},
		{429, `{"error":{"code":"insufficient_quota"}}`, agent.ModelRefused},
		{429, `{"error":{"code":"rate_limit_exceeded"}}`, agent.ModelBusy},
		{502, `<html>Bad gateway</html>`, agent.ModelUnavailable},
		{503, ``, agent.ModelUnavailable},
		{307, ``, agent.ModelRefused},
	} {
		_, err := serve(t, test.status, test.body).Generate(t.Context(), hello())
		if failed := new(agent.ModelError); !errors.As(err, &failed) || failed.Kind != test.want || failed.Status != test.status {
			t.Errorf("%d %s: %v, want %q", test.status, test.body, err, test.want)
		}
	}
}

// TestQuiet: nothing comes from the environment, and nobody is told of the machine.
func TestQuiet(t *testing.T) {
	t.Setenv("OPENAI_BASE_URL", "http://127.0.0.1:1")
	t.Setenv("OPENAI_ORG_ID", "org-of-somebody")
	t.Setenv("OPENAI_PROJECT_ID", "project-of-somebody")
	t.Setenv("OPENAI_API_KEY", "sk-of-somebody")
	t.Setenv("OPENAI_CUSTOM_HEADERS", "X-Own: of-somebody")
	var header http.Header
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		w.WriteHeader(http.StatusTeapot)
	}))
	defer s.Close()
	if _, err := open(t, openaimodel.Options{BaseURL: s.URL}).Generate(t.Context(), hello()); err == nil {
		t.Error("a teapot answered")
	}
	if got := header.Get("Authorization"); got != "Bearer "+agenttest.Key {
		t.Errorf("asked with %q", got)
	}
	for name, values := range header {
		if strings.HasPrefix(name, "X-") || strings.HasPrefix(name, "Openai-") || strings.Contains(values[0], "somebody") {
			t.Errorf("it sends %s: %s", name, values[0])
		}
	}
}

func TestOldMaxTokens(t *testing.T) {
	for old, want := range map[bool]string{true: `"max_tokens":9`, false: `"max_completion_tokens":9`} {
		s := agenttest.StartOpenAI(t, agenttest.Answer{Text: "Yes."})
		r := hello()
		r.MaxTokens = 9
		if _, err := open(t, openaimodel.Options{BaseURL: s.URL + "/", OldMaxTokens: old}).Generate(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if body := string(s.Requests()[0].Body); !strings.Contains(body, want) {
			t.Errorf("%s, want %s", body, want)
		}
	}
}

func TestTimeoutAndLog(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	s := agenttest.StartOpenAI(t, agenttest.Answer{Delay: time.Hour}, agenttest.Answer{Status: 401, Message: "Hello. " + agenttest.Key})
	m := open(t, openaimodel.Options{BaseURL: s.URL, Timeout: 50 * time.Millisecond, Retries: -1, Log: zap.New(core)})
	_, err := m.Generate(t.Context(), hello())
	if failed := new(agent.ModelError); !errors.As(err, &failed) || failed.Kind != agent.ModelUnavailable || !strings.Contains(err.Error(), "in time") {
		t.Errorf("%v", err)
	}
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

// TestErrorQuotesNothing: the SDK's errors say what they couldn't read.
func TestErrorQuotesNothing(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/of-somebody")
		_, _ = io.WriteString(w, "Hello.")
	}))
	defer s.Close()
	_, err := open(t, openaimodel.Options{BaseURL: s.URL, Retries: -1}).Generate(t.Context(), hello())
	if err == nil || strings.Contains(err.Error(), "somebody") || strings.Contains(err.Error(), "http") {
		t.Errorf("%v", err)
	}
}

func TestNobodyThere(t *testing.T) {
	m := open(t, openaimodel.Options{BaseURL: "http://127.0.0.1:1", Retries: -1})
	_, err := m.Generate(t.Context(), hello())
	if failed := new(agent.ModelError); !errors.As(err, &failed) || failed.Kind != agent.ModelUnavailable || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("%v", err)
	}
}

func TestNew(t *testing.T) {
	for _, test := range []struct {
		key string
		o   *openaimodel.Options
	}{
		{"", nil},
		{"a key", nil},
		{"key\n", nil},
		{"key", &openaimodel.Options{BaseURL: "ftp://example.com"}},
		{"key", &openaimodel.Options{BaseURL: "https://user:pass@example.com"}},
		{"key", &openaimodel.Options{BaseURL: "https://example.com/?a=b"}},
		{"key", &openaimodel.Options{Timeout: -1}},
	} {
		if _, err := openaimodel.New(test.key, test.o); err == nil || strings.Contains(err.Error(), "pass") {
			t.Errorf("%q, %+v: %v", test.key, test.o, err)
		}
	}
	m, err := openaimodel.New(agenttest.Key, nil)
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
