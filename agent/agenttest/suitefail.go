package agenttest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/agent"
)

// soon is what the fakes ask to wait for where a test wants attempts in a row.
const soon = time.Millisecond

func testCancelled(t *testing.T, m *model) {
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	_, err := m.ask(ctx, hello(), Answer{Delay: time.Hour, Asked: func(Request) { cancel() }})
	if !errors.Is(err, context.Canceled) || time.Since(began) > prompt {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	if _, err := m.ask(ctx, hello(), Answer{Text: "Yes."}); !errors.Is(err, context.Canceled) || m.attempts() != 0 {
		t.Errorf("%v after %d attempts, though it was over before", err, m.attempts())
	}
}

func testDeadline(t *testing.T, m *model) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := m.ask(ctx, hello(), Answer{Delay: time.Hour}); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > prompt {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

func testBusyThenOK(t *testing.T, m *model) {
	for _, status := range []int{429, 408, 409, 500, 503, 529} {
		got, err := m.ask(t.Context(), hello(), Answer{Status: status, After: soon}, Answer{Text: "Yes."})
		if err != nil || got.Message.Text != "Yes." || m.attempts() != 2 {
			t.Errorf("status %d: %+v, %v after %d attempts", status, got, err, m.attempts())
		}
	}
}

func testUnavailable(t *testing.T, m *model) {
	for status, kind := range map[int]agent.ModelErrorKind{503: agent.ModelUnavailable, 529: agent.ModelUnavailable, 429: agent.ModelBusy} {
		answers := slices.Repeat([]Answer{{Status: status, After: soon, Message: secret + Key}}, 50)
		_, err := m.ask(t.Context(), hello(), answers...)
		failed := m.wantKind(err, kind)
		if failed.Status != status || failed.After != soon || m.attempts() == 50 {
			t.Errorf("status %d, after %s, %d attempts", failed.Status, failed.After, m.attempts())
		}
	}
}

// testBroken: half an answer is none, and is asked for again unless a part of it
// was shown.
func testBroken(t *testing.T, m *model) {
	for name, broken := range map[string]Answer{
		"cut":     {Text: secret + " and so on and on and on and on", Cut: true},
		"garbage": {Garbage: true},
	} {
		answers := slices.Repeat([]Answer{broken}, 50)
		_, err := m.ask(t.Context(), hello(), answers...)
		m.wantKind(err, agent.ModelUnavailable)
		if shown := m.streaming && name == "cut"; shown && m.attempts() != 1 || !shown && (m.attempts() < 2 || m.attempts() == 50) {
			t.Errorf("%s: %d attempts", name, m.attempts())
		}
	}
	if got, err := m.ask(t.Context(), hello(), Answer{Garbage: true}, Answer{Text: "Yes."}); err != nil || got.Message.Text != "Yes." {
		t.Errorf("%+v, %v", got, err)
	}
}

// testLongWait: nobody waits for an hour, nor beyond the caller's deadline.
func testLongWait(t *testing.T, m *model) {
	began := time.Now()
	_, err := m.ask(t.Context(), hello(), Answer{Status: 429, After: time.Hour}, Answer{Text: "Yes."})
	if failed := m.wantKind(err, agent.ModelBusy); failed.After != time.Hour || m.attempts() != 1 {
		t.Errorf("after %s, %d attempts", failed.After, m.attempts())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err = m.ask(ctx, hello(), Answer{Status: 503, After: 30 * time.Second}, Answer{Text: "Yes."})
	m.wantKind(err, agent.ModelUnavailable)
	if time.Since(began) > prompt {
		t.Errorf("it took %s", time.Since(began))
	}
}

func testTooLong(t *testing.T, m *model) {
	for _, a := range []Answer{{TooLong: true, Message: secret}, {Status: 413, Message: secret}} {
		_, err := m.ask(t.Context(), hello(), a, Answer{Text: "Yes."})
		if failed := m.wantKind(err, agent.ModelTooLong); failed.Temporary() || m.attempts() != 1 {
			t.Errorf("%v after %d attempts", err, m.attempts())
		}
	}
}

func testRefused(t *testing.T, m *model) {
	for _, status := range []int{400, 401, 402, 403, 404, 422} {
		_, err := m.ask(t.Context(), hello(), Answer{Status: status, Message: secret + Key}, Answer{Text: "Yes."})
		if failed := m.wantKind(err, agent.ModelRefused); failed.Status != status || m.attempts() != 1 {
			t.Errorf("%v after %d attempts, want status %d", err, m.attempts(), status)
		}
	}
}
