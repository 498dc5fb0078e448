package agenttest

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

// RunModel tests a driver of [agent.Model]. open returns a model with the key [Key]
// that gets these answers, one for each attempt, and that tries busy and
// unavailable providers again. If it is an [agent.Streamer], streaming is tested as
// well.
func RunModel(t *testing.T, open func(t *testing.T, answers ...Answer) agent.Model) {
	for name, test := range map[string]func(*testing.T, *model){
		"Text":           testText,
		"Calls":          testCalls,
		"Conversation":   testConversation,
		"Garbage":        testGarbageArguments,
		"MustCall":       testMustCall,
		"MayNotCall":     testMayNotCall,
		"Long":           testLong,
		"Stops":          testStops,
		"Tokens":         testTokens,
		"Cancelled":      testCancelled,
		"Deadline":       testDeadline,
		"BusyThenOK":     testBusyThenOK,
		"Unavailable":    testUnavailable,
		"Broken":         testBroken,
		"LongWait":       testLongWait,
		"TooLong":        testTooLong,
		"Refused":        testRefused,
		"ManyGoroutines": testMany,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // some wait between attempts
			for _, streaming := range []bool{false, true} {
				kind := "Generate"
				if streaming {
					kind = "Stream"
				}
				t.Run(kind, func(t *testing.T) {
					t.Parallel()
					test(t, &model{t: t, open: open, streaming: streaming})
				})
			}
		})
	}
}

// model asks in one of the two ways.
type model struct {
	t         *testing.T
	open      func(*testing.T, ...Answer) agent.Model
	streaming bool

	mu    sync.Mutex
	asked []Request
}

// ask opens a model with the answers and asks it once.
func (m *model) ask(ctx context.Context, r agent.ModelRequest, answers ...Answer) (agent.ModelResponse, error) {
	m.t.Helper()
	m.asked = nil
	for i := range answers {
		also := answers[i].Asked
		answers[i].Asked = func(got Request) {
			m.mu.Lock()
			m.asked = append(m.asked, got)
			m.mu.Unlock()
			if also != nil {
				also(got)
			}
		}
	}
	return m.call(ctx, m.open(m.t, answers...), r)
}

func (m *model) call(ctx context.Context, opened agent.Model, r agent.ModelRequest) (agent.ModelResponse, error) {
	m.t.Helper()
	if !m.streaming {
		return opened.Generate(ctx, r)
	}
	streamer, ok := opened.(agent.Streamer)
	if !ok {
		m.t.Skip("it doesn't stream")
	}
	var shown strings.Builder
	got, err := streamer.Stream(ctx, r, func(part string) { shown.WriteString(part) })
	if err == nil && shown.String() != got.Message.Text {
		m.t.Errorf("%d bytes were shown, the text has %d", shown.Len(), len(got.Message.Text))
	}
	return got, err
}

func (m *model) attempts() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.asked)
}

// first returns the first request that arrived.
func (m *model) first() Request {
	m.t.Helper()
	if m.attempts() == 0 {
		m.t.Fatal("nothing was asked")
	}
	return m.asked[0]
}

// wantKind checks an error, and that it tells nothing.
func (m *model) wantKind(err error, want agent.ModelErrorKind) agent.ModelError {
	m.t.Helper()
	var failed *agent.ModelError
	if !errors.As(err, &failed) || failed.Kind != want {
		m.t.Fatalf("error %v, want a ModelError of the kind %q", err, want)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), Key) || strings.Contains(e.Error(), secret) {
			m.t.Errorf("the error %q tells a secret", e)
		}
	}
	return *failed
}

// secret stands in every conversation and every error of a provider.
const secret = "plum-jam-for-the-tsar"

func hello() agent.ModelRequest {
	return agent.ModelRequest{
		Model: "test-model", System: "Be brief. " + secret,
		Messages: []agent.Message{{Role: agent.RoleUser, Text: "Hello. " + secret}},
	}
}

type city struct {
	City string `json:"city"`
}

func weather(context.Context, storage.CustomerID, city) (agent.Result, error) {
	return agent.Result{}, nil
}

func nothing(context.Context, storage.CustomerID, struct{}) (agent.Result, error) {
	return agent.Result{}, nil
}

func withTools() agent.ModelRequest {
	r := hello()
	r.Tools = []*agent.Tool{
		agent.NewTool("weather", "Tells the weather.", weather, nil),
		agent.NewTool("clock", "Tells the time.", nothing, nil),
	}
	return r
}

func testText(t *testing.T, m *model) {
	const text = "Grüß Gott, 世界! 👋🏽\n\n\"quoted\" <b>&amp;</b> \u2028 end "
	got, err := m.ask(t.Context(), hello(), Answer{Text: text})
	want := agent.ModelResponse{Message: agent.Message{Role: agent.RoleModel, Text: text}, Stop: agent.StopEnd, Tokens: agent.Tokens{Input: 10, Output: 5}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	asked := m.first()
	if r := hello(); asked.Model != r.Model || asked.System != r.System || !reflect.DeepEqual(asked.Messages, r.Messages) {
		t.Errorf("asked %+v", asked)
	}
	if asked.MaxTokens != 4096 || asked.MustCall || asked.ToolNames != nil {
		t.Errorf("asked with %d tokens, must call %t, tools %q", asked.MaxTokens, asked.MustCall, asked.ToolNames)
	}
	r := hello()
	r.MaxTokens, r.System = 77, ""
	if _, err := m.ask(t.Context(), r, Answer{Text: "Yes."}); err != nil || m.first().MaxTokens != 77 || m.first().System != "" {
		t.Errorf("%v, asked with %d tokens", err, m.first().MaxTokens)
	}
}

func testCalls(t *testing.T, m *model) {
	calls := []agent.ToolCall{
		{ID: "one", Name: "weather", Arguments: json.RawMessage(`{"city":"Köln, \"am Rhein\""}`)},
		{ID: "two", Name: "weather", Arguments: json.RawMessage(`{"city":"` + strings.Repeat("long ", 100) + `"}`)},
		{ID: "three", Name: "clock", Arguments: json.RawMessage(`{}`)},
	}
	for _, text := range []string{"", "Let me see."} {
		got, err := m.ask(t.Context(), withTools(), Answer{Text: text, Calls: calls})
		if err != nil || got.Stop != agent.StopCalls || got.Message.Text != text || !reflect.DeepEqual(got.Message.Calls, calls) {
			t.Errorf("%+v, %v, want %+v", got, err, calls)
		}
		if names := m.first().ToolNames; !reflect.DeepEqual(names, []string{"weather", "clock"}) {
			t.Errorf("asked with the tools %q", names)
		}
	}
}

func testConversation(t *testing.T, m *model) {
	r := withTools()
	r.Messages = append(r.Messages,
		agent.Message{Role: agent.RoleModel, Text: "I look.", Calls: []agent.ToolCall{
			{ID: "a", Name: "weather", Arguments: json.RawMessage(`{"city":"Ulm"}`)},
			{ID: "b", Name: "clock", Arguments: json.RawMessage(`{}`)},
		}},
		agent.Message{Role: agent.RoleTool, Results: []agent.ToolResult{{ID: "a", Text: "rain"}, {ID: "b", Text: "no clock", IsError: true}}},
		agent.Message{Role: agent.RoleModel, Text: "It rains."},
		agent.Message{Role: agent.RoleUser, Text: "And now?"},
	)
	if _, err := m.ask(t.Context(), r, Answer{Text: "Still."}); err != nil {
		t.Fatal(err)
	}
	if got := m.first().Messages; !reflect.DeepEqual(got, r.Messages) {
		t.Errorf("asked %+v\nwant  %+v", got, r.Messages)
	}

	// What real conversations hold: a message of nothing, a result of nothing.
	r.Messages = append(r.Messages, agent.Message{Role: agent.RoleModel}, agent.Message{Role: agent.RoleUser, Text: "Well?"},
		agent.Message{Role: agent.RoleModel, Calls: []agent.ToolCall{{ID: "c", Name: "clock"}}},
		agent.Message{Role: agent.RoleTool, Results: []agent.ToolResult{{ID: "c"}}})
	if _, err := m.ask(t.Context(), r, Answer{Text: "Noon."}); err != nil {
		t.Errorf("with empty messages: %v", err)
	}

	// The servers find what is left open, so they would above.
	r.Messages = r.Messages[:2]
	_, err := m.ask(t.Context(), r, Answer{Text: "Rain."})
	m.wantKind(err, agent.ModelRefused)
}

func testGarbageArguments(t *testing.T, m *model) {
	for _, arguments := range []string{`{"city": "Ul`, `Ulm, please`, `{"a":1}}`, "\"", "\x01", `[1]`, `null`} {
		opened := m.open(t, Answer{Calls: []agent.ToolCall{{ID: "a", Name: "weather", Arguments: json.RawMessage(arguments)}}}, Answer{Text: "Sorry."})
		r := withTools()
		got, err := m.call(t.Context(), opened, r)
		if err != nil || len(got.Message.Calls) != 1 {
			t.Errorf("%q: %+v, %v", arguments, got, err)
			continue
		}
		if call := got.Message.Calls[0]; call.Name != "weather" || string(call.Arguments) != arguments {
			t.Errorf("%q came as %q", arguments, call.Arguments)
		}
		r.Messages = append(r.Messages, got.Message, agent.Message{Role: agent.RoleTool, Results: []agent.ToolResult{{ID: "a", Text: "What?", IsError: true}}})
		if _, err := m.call(t.Context(), opened, r); err != nil {
			t.Errorf("%q isn't taken back: %v", arguments, err)
		}
	}
}

func testMustCall(t *testing.T, m *model) {
	r := withTools()
	r.MustCall = true
	_, err := m.ask(t.Context(), r, Answer{Calls: []agent.ToolCall{{Name: "clock", Arguments: json.RawMessage(`{}`)}}})
	if err != nil || !m.first().MustCall || m.first().MayNotCall {
		t.Errorf("%v, asked to call: %t", err, m.first().MustCall)
	}
}

func testMayNotCall(t *testing.T, m *model) {
	r := withTools()
	r.MayNotCall = true
	_, err := m.ask(t.Context(), r, Answer{Text: "No."})
	if first := m.first(); err != nil || !first.MayNotCall || first.MustCall || len(first.ToolNames) != len(r.Tools) {
		t.Errorf("%v, asked not to call: %t, with the tools %q", err, first.MayNotCall, first.ToolNames)
	}
}

func testLong(t *testing.T, m *model) {
	text := strings.Repeat("Long answers are read whole. ", 100_000)
	if got, err := m.ask(t.Context(), hello(), Answer{Text: text}); err != nil || got.Message.Text != text {
		t.Errorf("%d bytes, %v, want %d", len(got.Message.Text), err, len(text))
	}
	_, err := m.ask(t.Context(), hello(), Answer{Text: strings.Repeat("too long ", 1<<20)}, Answer{Text: "No."})
	m.wantKind(err, agent.ModelUnavailable)
	if m.attempts() != 1 {
		t.Errorf("a giant was asked for %d times", m.attempts())
	}
}

func testStops(t *testing.T, m *model) {
	for _, stop := range []agent.StopReason{agent.StopEnd, agent.StopLength, agent.StopFilter} {
		got, err := m.ask(t.Context(), hello(), Answer{Text: "I can't go on.", Stop: stop})
		if err != nil || got.Stop != stop || got.Message.Text != "I can't go on." {
			t.Errorf("%+v, %v, want it to stop for %q", got, err, stop)
		}
	}
}

func testTokens(t *testing.T, m *model) {
	want := agent.Tokens{Input: 1234, Output: 56, Cached: 1000}
	if got, err := m.ask(t.Context(), hello(), Answer{Text: "Yes.", Tokens: want}); err != nil || got.Tokens != want {
		t.Errorf("%+v, %v, want %+v", got.Tokens, err, want)
	}
}

func testMany(t *testing.T, m *model) {
	var answers []Answer
	for range 20 {
		answers = append(answers, Answer{Text: strings.Repeat("Yes. ", 50)})
	}
	opened := m.open(t, answers...)
	var all sync.WaitGroup
	for range answers {
		all.Go(func() {
			got, err := m.call(t.Context(), opened, hello())
			if err != nil || got.Message.Text != answers[0].Text {
				t.Errorf("%q, %v", got.Message.Text, err)
			}
		})
	}
	all.Wait()
}

// prompt is how soon a call has to end that nobody waits for any more.
const prompt = 5 * time.Second
