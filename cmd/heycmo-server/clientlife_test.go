package main

import (
	"context"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestClientsThrottle takes the way of throttling from the environment.
func TestClientsThrottle(t *testing.T) {
	const tooFast = "too many requests: 20 a minute are allowed; try again in "
	for _, mode := range []string{"status", "inband"} {
		t.Run(mode, func(t *testing.T) {
			s := start(t, append(database(t), "HEYCMO_LIMIT_MCP=20", "HEYCMO_MCP_THROTTLE="+mode, "HEYCMO_LOG_LEVEL=error"))
			session := connect(t, &sdk.SSEClientTransport{Endpoint: s.url + "/mcp/sse?token=" + s.key})
			for range 20 {
				r, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "get_brand"})
				switch {
				case err != nil:
					if mode != "status" || !strings.Contains(err.Error(), "429") {
						t.Error(err)
					}
					return
				case r.IsError:
					text, _ := r.Content[0].(*sdk.TextContent)
					if mode != "inband" || text == nil || !strings.HasPrefix(text.Text, tooFast) {
						t.Errorf("%+v", text)
					}
					return
				}
			}
			t.Error("20 calls a minute are let through beside the handshake")
		})
	}
}

// TestClientsRestart restarts the program under a session of Streamable HTTP.
func TestClientsRestart(t *testing.T) {
	environ := append(database(t), unlimited...)
	first := start(t, environ)
	address := strings.TrimPrefix(first.url, "http://")
	session := connect(t, &sdk.StreamableClientTransport{Endpoint: first.url + "/mcp?token=" + first.key}, "2025-11-25")
	if session.ID() == "" {
		t.Fatal("there is no session")
	}
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	start(t, environ, "--addr", address)
	if r, err := session.CallTool(t.Context(), &sdk.CallToolParams{Name: "get_brand"}); err != nil || r.IsError {
		t.Errorf("%+v %v", r, err)
	}
}

func connect(t *testing.T, transport sdk.Transport, version ...string) *sdk.ClientSession {
	t.Helper()
	options := &sdk.ClientSessionOptions{}
	if len(version) > 0 {
		options.ProtocolVersion = version[0]
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(ctx, transport, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = session.Close()
		cancel()
	})
	return session
}
