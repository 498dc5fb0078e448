package clients

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/mcp"
)

// The caller hears of each step while the tool is at it.
func TestClientsProgress(t *testing.T) {
	t.Parallel()
	const steps = 5
	h := newHost(t, unlimited, mcp.Options{})
	each(t, mute, func(t *testing.T, c connection) {
		s := c.connect(t, h.customer(t, h.address), events{})
		r := h.runs.get(t.Name())
		heard := make(chan progress, 100)
		call := begin(t, s, "count", map[string]any{"to": steps, "run": t.Name()}, callOptions{progress: func(p progress) { heard <- p }})
		for i := range steps {
			p := receive(t, "progress", heard)
			if p.Progress != float64(i+1) || p.Total != steps || !strings.HasPrefix(p.Message, "step ") {
				t.Fatalf("message %d is %+v", i+1, p)
			}
			r.next <- struct{}{}
		}
		if got, err := call.end(t); err != nil || got.IsError || !strings.Contains(got.Text, "counted to 5") {
			t.Fatalf("%+v %v", got, err)
		}
		if len(heard) > 0 {
			t.Errorf("%d messages too many, first %+v", len(heard), <-heard)
		}
	})
}

// A burst of progress arrives whole, in order, and before the result.
func TestClientsProgressBurst(t *testing.T) {
	t.Parallel()
	const steps = 200
	const answer = -1
	h := newHost(t, unlimited, mcp.Options{})
	each(t, mute, func(t *testing.T, c connection) {
		heard := make(chan float64, 2*steps)
		want := make([]float64, steps)
		for i := range want {
			want[i] = float64(i + 1)
		}
		// The TypeScript clients pass a message on some time after they have read
		// it, but a result at once, and so lose progress that they read together
		// with the result. What they have read is looked at instead.
		on := events{message: func(raw json.RawMessage) {
			var m struct {
				Method string
				Params progress
				Result struct{ Content []any }
			}
			switch err := json.Unmarshal(raw, &m); {
			case err != nil:
				t.Error(err)
			case m.Method == "notifications/progress":
				heard <- m.Params.Progress
			case m.Result.Content != nil:
				heard <- answer
			}
		}}
		o := callOptions{progress: func(progress) {}}
		if c.client == "go" {
			// The Go SDK loses nothing, but its goroutine for messages may be behind
			// the result.
			o.progress = func(p progress) { heard <- p.Progress }
		} else {
			want = append(want, answer)
		}
		s := c.connect(t, h.customer(t, h.address), on)
		if got, err := begin(t, s, "count", map[string]any{"to": steps}, o).end(t); err != nil || got.IsError {
			t.Fatalf("%+v %v", got, err)
		}
		for i, want := range want {
			if got := receive(t, "progress", heard); got != want {
				t.Fatalf("message %d is %v, want %v (%v is the answer)", i+1, got, want, answer)
			}
		}
	})
}

// receive waits for a value.
func receive[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("waited %v for %s", patience, what)
		panic("unreachable")
	}
}
