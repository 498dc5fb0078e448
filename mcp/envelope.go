package mcp

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/heycmo/heycmo-go/internal/httpx"
)

// envelope is as much of a JSON-RPC message as the edge needs.
type envelope struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Result  json.RawMessage `json:"result"`
	Error   json.RawMessage `json:"error"`
	Params  struct {
		Name           json.RawMessage `json:"name"`
		Arguments      json.RawMessage `json:"arguments"`
		Capabilities   json.RawMessage `json:"capabilities"` // of initialize
		RequestID      json.RawMessage `json:"requestId"`    // of notifications/cancelled
		InputResponses json.RawMessage `json:"inputResponses"`
		RequestState   json.RawMessage `json:"requestState"`
		Meta           struct {
			ProgressToken json.RawMessage `json:"progressToken"`
			Protocol      json.RawMessage `json:"io.modelcontextprotocol/protocolVersion"`
			Capabilities  json.RawMessage `json:"io.modelcontextprotocol/clientCapabilities"`
			LogLevel      json.RawMessage `json:"io.modelcontextprotocol/logLevel"`
		} `json:"_meta"`
	} `json:"params"`
}

// open reads the envelope of a message.
func open(body []byte) (envelope, error) {
	var e envelope
	if len(body) == 0 || body[0] != '{' {
		return e, errMessage{code: mcpgo.INVALID_REQUEST, text: "the body must be one JSON-RPC message"}
	}
	err := json.Unmarshal(body, &e)
	mistyped, isMistyped := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case isMistyped && strings.HasPrefix(mistyped.Field, "params"):
		return e, errMessage{id: e.ID, code: mcpgo.INVALID_PARAMS, text: "params and _meta must be objects"}
	case isMistyped:
		return e, errMessage{id: e.ID, code: mcpgo.INVALID_REQUEST, text: mistyped.Field + " must be a string"}
	case err != nil:
		return envelope{}, errMessage{code: mcpgo.PARSE_ERROR, text: "the body is not JSON"}
	case e.Version != mcpgo.JSONRPC_VERSION:
		return e, errMessage{id: e.ID, code: mcpgo.INVALID_REQUEST, text: `jsonrpc must be "2.0"`}
	}
	return e, nil
}

// isRequest reports whether the message expects an answer.
func (e *envelope) isRequest() bool { return e.Method != "" && e.hasID() }

// isAnswer reports whether the message answers a request of ours.
func (e *envelope) isAnswer() bool {
	return e.Method == "" && e.hasID() && (e.Result != nil || e.Error != nil)
}

func (e *envelope) hasID() bool { return len(e.ID) > 0 && string(e.ID) != "null" }

// protocol returns the revision that the message itself names.
func (e *envelope) protocol() string { return text(e.Params.Meta.Protocol) }

// isModern reports whether the message speaks a revision without sessions
// (2026-07-28 and later).
func (e *envelope) isModern() bool { return mcpgo.IsModernProtocol(e.protocol()) }

// text returns a JSON string, or "" for anything else.
func text(raw json.RawMessage) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner) // nothing to decode
	}
	var s string
	_ = json.Unmarshal(raw, &s) // it was JSON before
	return s
}

// errMessage is an error of the protocol that is answered with status 400.
type errMessage struct {
	id   json.RawMessage
	code int
	text string
	data any // may be nil
}

func (e errMessage) Error() string { return e.text }

func (e errMessage) message() rpcMessage {
	id := e.id
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	return rpcMessage{JSONRPC: mcpgo.JSONRPC_VERSION, ID: id, Error: &rpcProblem{e.code, e.text, e.data}}
}

func (e errMessage) write(w http.ResponseWriter) {
	httpx.JSON(w, http.StatusBadRequest, e.message())
}

// rpcMessage is a message of JSON-RPC 2.0 that we make ourselves.
type rpcMessage struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  any             `json:"result,omitempty"`
	Error   *rpcProblem     `json:"error,omitempty"`
}

type rpcProblem struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

func notification(method string, params any) rpcMessage {
	return rpcMessage{JSONRPC: mcpgo.JSONRPC_VERSION, Method: method, Params: params}
}

func request(id json.RawMessage, method string, params any) rpcMessage {
	return rpcMessage{JSONRPC: mcpgo.JSONRPC_VERSION, ID: id, Method: method, Params: params}
}

func result(id json.RawMessage, value any) rpcMessage {
	return rpcMessage{JSONRPC: mcpgo.JSONRPC_VERSION, ID: id, Result: value}
}
