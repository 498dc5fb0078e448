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

// Clients returns the settings of the common clients for the host at base, its
// public address without a slash at the end, under the name and with the key.
func Clients(base, name, key string) []Client {
	mcp, sse := base+"/mcp", base+"/mcp/sse?token="+url.QueryEscape(key)
	bearer := "Bearer " + key
	header := map[string]string{"Authorization": bearer}
	remote := []string{"-y", "mcp-remote", mcp, "--transport", "http-only", "--header", "Authorization:${HEYCMO_AUTH}"}
	remoteSSE := []string{"-y", "mcp-remote", sse, "--transport", "sse-only"}
	if strings.HasPrefix(base, "http://") {
		remote, remoteSSE = append(remote, "--allow-http"), append(remoteSSE, "--allow-http")
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
			servers("mcpServers", name, map[string]any{
				"command": "npx", "args": remote, "env": map[string]string{"HEYCMO_AUTH": bearer},
			}),
		},
		{
			"Claude Desktop (HTTP+SSE)", "in claude_desktop_config.json",
			servers("mcpServers", name, map[string]any{"command": "npx", "args": remoteSSE}),
		},
		{"Cursor", "in ~/.cursor/mcp.json", servers("mcpServers", name, map[string]any{"url": mcp, "headers": header})},
		{
			"VS Code", "in .vscode/mcp.json",
			servers("servers", name, map[string]any{"type": "http", "url": mcp, "headers": header}),
		},
		{
			"Any client that knows HTTP+SSE only", "in its list of servers",
			servers("mcpServers", name, map[string]any{"url": sse}),
		},
	}
}

func servers(list, name string, settings map[string]any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(map[string]any{list: map[string]any{name: settings}}) // strings only: can't fail
	return strings.TrimSpace(b.String())
}
