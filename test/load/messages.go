package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// firstID begins the numbers of calls. All have as many digits, so that a new
// one fits into a request in place of the last.
const firstID = 100_000_000

// template is a whole request whose JSON-RPC ID can be replaced.
type template struct {
	bytes []byte
	idAt  int // where the ID stands, or 0 when there is none
}

func newTemplate(request []byte) template {
	i := bytes.Index(request, []byte(strconv.Itoa(firstID)))
	return template{request, max(0, i)}
}

// with returns the request with this ID, until the next call.
func (t template) with(id int) []byte {
	if t.idAt > 0 {
		strconv.AppendInt(t.bytes[t.idAt:t.idAt], int64(id), 10)
	}
	return t.bytes
}

// httpRequest returns a whole request.
func httpRequest(method, target string, header [][2]string, body string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n", method, target)
	for _, h := range header {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	if method == "POST" {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}

const (
	legacyVersion = "2025-11-25"
	modernVersion = "2026-07-28"
)

// message returns a JSON-RPC message; without an ID it is a notification.
func message(id int, method string, params map[string]any) string {
	m := map[string]any{"jsonrpc": "2.0", "method": method}
	if id != 0 {
		m["id"] = id
	}
	if params != nil {
		m["params"] = params
	}
	text, _ := json.Marshal(m) // strings, numbers and maps of them
	return string(text)
}

var clientInfo = map[string]any{"name": "load", "version": "1"}

func initialize(version string) string {
	return message(1, "initialize", map[string]any{
		"protocolVersion": version, "capabilities": map[string]any{}, "clientInfo": clientInfo,
	})
}

func initialized() string { return message(0, "notifications/initialized", nil) }

// callTool returns a call of the tool, of a revision with sessions.
func callTool(tool string) string {
	return message(firstID, "tools/call", toolParams(tool))
}

func toolParams(tool string) map[string]any {
	return map[string]any{"name": tool, "arguments": map[string]any{"path": "/"}}
}

// callToolModern returns the call of a revision without sessions.
func callToolModern(tool string) string {
	params := toolParams(tool)
	params["_meta"] = map[string]any{
		"io.modelcontextprotocol/protocolVersion":    modernVersion,
		"io.modelcontextprotocol/clientCapabilities": map[string]any{},
		"io.modelcontextprotocol/clientInfo":         clientInfo,
	}
	return message(firstID, "tools/call", params)
}

// bearer returns the header of a caller; mcp-go alone asks for none.
func (c customer) bearer() [][2]string {
	if c.Key == "" {
		return nil
	}
	return [][2]string{{"Authorization", "Bearer " + c.Key}}
}

// checkAnswer reports what is wrong with the answer to the call.
func checkAnswer(answer []byte, id int, text string) error {
	var number [24]byte
	want := strconv.AppendInt(append(number[:0], `"id":`...), int64(id), 10)
	if !bytes.Contains(answer, want) || !bytes.Contains(answer, []byte(text)) {
		return fmt.Errorf("a wrong answer to call %d: %.200q", id, answer)
	}
	return nil
}
