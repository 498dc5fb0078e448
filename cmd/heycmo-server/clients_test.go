package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/heycmo/heycmo-go/internal/testenv"
)

// unlimited lets clients call as often as they like.
var unlimited = []string{"HEYCMO_LIMIT_MCP=-1", "HEYCMO_LIMIT_LOGIN=-1", "HEYCMO_LOG_LEVEL=error"}

// TestClientsNode plays the scenario of test/clients with both TypeScript SDKs,
// mcp-remote and the MCP Inspector.
func TestClientsNode(t *testing.T) {
	node, folder := testenv.Node(t, "../..", "test/clients")
	s := start(t, append(database(t), unlimited...))
	settings, err := json.Marshal(map[string]any{"url": s.url + "/mcp", "sseUrl": s.url + "/mcp/sse", "token": s.key})
	if err != nil {
		t.Fatal(err)
	}
	for _, client := range []string{"sdk1", "sdk2", "remote", "inspector"} {
		t.Run(client, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			c := exec.CommandContext(ctx, node, "play.mjs", client, string(settings))
			c.Dir = folder
			out, err := c.CombinedOutput()
			text := strings.ReplaceAll(string(out), s.key, "KEY")
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			t.Log(text)
		})
	}
}

// bearer sends the key in the header.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// TestClientsGo plays a scenario with the official Go SDK over both transports.
func TestClientsGo(t *testing.T) {
	s := start(t, append(database(t), unlimited...))
	withKey := &http.Client{Transport: bearer(s.key)}
	for name, transport := range map[string]sdk.Transport{
		"sse with a token":   &sdk.SSEClientTransport{Endpoint: s.url + "/mcp/sse?token=" + s.key},
		"sse with a header":  &sdk.SSEClientTransport{Endpoint: s.url + "/mcp/sse", HTTPClient: withKey},
		"http with a header": &sdk.StreamableClientTransport{Endpoint: s.url + "/mcp", HTTPClient: withKey},
		"http with a token":  &sdk.StreamableClientTransport{Endpoint: s.url + "/mcp?token=" + s.key},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
			session, err := client.Connect(ctx, transport, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = session.Close() }()
			playGo(ctx, t, session)
		})
	}
	for name, transport := range map[string]sdk.Transport{
		"sse":  &sdk.SSEClientTransport{Endpoint: s.url + "/mcp/sse?token=wrong"},
		"http": &sdk.StreamableClientTransport{Endpoint: s.url + "/mcp?token=wrong"},
	} {
		_, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), transport, nil)
		if err == nil {
			t.Errorf("%s: a wrong key is let in", name)
		}
	}
}

func playGo(ctx context.Context, t *testing.T, session *sdk.ClientSession) {
	t.Helper()
	call := func(tool string, args map[string]any) (string, bool) {
		t.Helper()
		r, err := session.CallTool(ctx, &sdk.CallToolParams{Name: tool, Arguments: args})
		if err != nil {
			t.Fatalf("%s: %v", tool, err)
		}
		text := ""
		for _, c := range r.Content {
			if c, ok := c.(*sdk.TextContent); ok {
				text += c.Text
			}
		}
		return text, r.IsError
	}
	voice := fmt.Sprint("Voice ", time.Now().UnixNano())
	if text, isError := call("update_brand", map[string]any{"voice": voice}); isError {
		t.Errorf("update_brand: %s", text)
	}
	if text, isError := call("get_brand", nil); isError || !strings.Contains(text, voice) {
		t.Errorf("get_brand: %s", text)
	}
	if text, isError := call("ask_cmo", map[string]any{"task": "Plan our launch"}); isError || !strings.Contains(text, voice) || !strings.Contains(text, "Plan our launch") {
		t.Errorf("ask_cmo: %s", text)
	}
	if text, isError := call("save_content", map[string]any{"agent": "cmo", "type": "plan", "title": "A plan", "body": "Do it."}); isError {
		t.Errorf("save_content: %s", text)
	}
	if text, isError := call("get_content", map[string]any{}); !isError || !strings.Contains(text, `"id"`) {
		t.Errorf("get_content without an ID: %s", text)
	}
	prompts, err := session.ListPrompts(ctx, nil)
	if err != nil || len(prompts.Prompts) == 0 {
		t.Fatalf("prompts: %v", err)
	}
	prompt, err := session.GetPrompt(ctx, &sdk.GetPromptParams{Name: prompts.Prompts[0].Name})
	if err != nil || len(prompt.Messages) == 0 {
		t.Errorf("prompt: %v", err)
	}
	brand, err := session.ReadResource(ctx, &sdk.ReadResourceParams{URI: "heycmo://brand"})
	if err != nil || !strings.Contains(brand.Contents[0].Text, voice) {
		t.Errorf("heycmo://brand: %v %+v", err, brand)
	}
}
