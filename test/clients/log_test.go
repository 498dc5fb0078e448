package clients

import (
	"context"
	"slices"
	"testing"

	"github.com/heycmo/heycmo-go/mcp"
)

// A client hears the log messages that it asked for, and no others.
func TestClientsLog(t *testing.T) {
	t.Parallel()
	h := newHost(t, unlimited, mcp.Options{})
	each(t, mute, func(t *testing.T, c connection) {
		heard := make(chan logMessage, 100)
		s := c.connect(t, h.customer(t, h.address), events{log: func(m logMessage) { heard <- m }})
		say := func(level string, want ...string) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			o := callOptions{level: level}
			if c.transport != modern || c.client == "remote" { // which passes the level on with each request
				o.level = ""
				if err := s.setLevel(ctx, level); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := s.call(ctx, "say", map[string]any{"text": level}, o); err != nil || got.IsError {
				t.Fatalf("%+v %v", got, err)
			}
			for _, w := range want {
				if m := receive(t, "a log message", heard); m.Level != w || m.Data != level {
					t.Fatalf("heard %+v, want %s", m, w)
				}
			}
		}
		levels := []string{"debug", "info", "warning", "error"}
		for _, i := range []int{2, 0, 3} {
			say(levels[i], slices.Clone(levels[i:])...)
		}
		if len(heard) > 0 {
			t.Errorf("%d messages too many, first %+v", len(heard), <-heard)
		}
	})
}
