// Package clientconfig writes the settings with which MCP clients connect to a
// host.
package clientconfig

import (
	"encoding/json"
	"net/url"
	"strings"
)

// KeyPlaceholder stands for the API key where none is known.
const KeyPlaceholder = "YOUR_API_KEY"

// Client is how one client connects.
type Client struct {
	// Name of the client, and of the transport if it has several.
	Name string
	// Where says what to do with the text.
	Where string
	Text  string
}

// entry is one server in a client's settings.
type entry struct {
	Type    string            `json:"type,omitempty"`
	URL     string            `json:"url,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Command string            `json:"command,omitempty"`
	Args    []string          `json:"args,omitempty"`
	Env     map[string]string `json:"env,omitempty"`
}

// Clients returns the settings of the common clients for the host at base, its
// public address without a slash at the end, under the name and with the key.
func Clients(base, name, key string) []Client {
	mcp, sse := base+"/mcp", base+"/mcp/sse?token="+url.QueryEscape(key)
	bearer := "Bearer " + key
	header := map[string]string{"Authorization": bearer}
	remote := func(args ...string) []string {
		args = append([]string{"-y", "mcp-remote"}, args...)
		if strings.HasPrefix(base, "http://") {
			args = append(args, "--allow-http")
		}
		return args
	}
	return []Client{
		{
			"Claude Code", "run this command",
			"claude mcp add --transport http " + name + " " + mcp + ` --header "Authorization: ` + bearer + `"`,
		},
		{
			"Claude Desktop", "in claude_desktop_config.json",
			// The header's value travels in the environment, because Claude Desktop
			// on Windows doesn't keep arguments with spaces together.
			settings("mcpServers", name, entry{
				Command: "npx",
				Args:    remote(mcp, "--transport", "http-only", "--header", "Authorization:${HEYCMO_AUTH}"),
				Env:     map[string]string{"HEYCMO_AUTH": bearer},
			}),
		},
		{
			"Claude Desktop (HTTP+SSE)", "in claude_desktop_config.json",
			settings("mcpServers", name, entry{Command: "npx", Args: remote(sse, "--transport", "sse-only")}),
		},
		{"Cursor", "in ~/.cursor/mcp.json", settings("mcpServers", name, entry{URL: mcp, Headers: header})},
		{"VS Code", "in .vscode/mcp.json", settings("servers", name, entry{Type: "http", URL: mcp, Headers: header})},
		{"Any client that knows HTTP+SSE only", "in its list of servers", settings("mcpServers", name, entry{URL: sse})},
	}
}

func settings(list, name string, e entry) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(map[string]map[string]entry{list: {name: e}}) // strings only: can't fail
	return strings.TrimSpace(b.String())
}
