package mcp

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/heycmo/heycmo-go/internal/httpx"
)

// envelope is as much of a JSON-RPC message as the edge needs.
type envelope struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
	Params struct {
		Name           json.RawMessage `json:"name"`
		Arguments      json.RawMessage `json:"arguments"`
		Capabilities   json.RawMessage `json:"capabilities"` // of initialize
		InputResponses json.RawMessage `json:"inputResponses"`
		RequestState   json.RawMessage `json:"requestState"`
		Meta           struct {
			ProgressToken json.RawMessage `json:"progressToken"`
			Version       json.RawMessage `json:"io.modelcontextprotocol/protocolVersion"`
			Capabilities  json.RawMessage `json:"io.modelcontextprotocol/clientCapabilities"`
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
	if err == nil {
		return e, nil
	}
	mistyped, ok := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case !ok:
		return envelope{}, errMessage{code: mcpgo.PARSE_ERROR, text: "the body is not JSON"}
	case strings.HasPrefix(mistyped.Field, "params"):
		return e, errMessage{id: e.ID, code: mcpgo.INVALID_PARAMS, text: "params and _meta must be objects"}
	}
	return e, errMessage{id: e.ID, code: mcpgo.INVALID_REQUEST, text: mistyped.Field + " must be a string"}
}

// isRequest reports whether the message expects an answer.
func (e *envelope) isRequest() bool { return e.Method != "" && e.hasID() }

// isAnswer reports whether the message answers a request of ours.
func (e *envelope) isAnswer() bool {
	return e.Method == "" && e.hasID() && (e.Result != nil || e.Error != nil)
}

func (e *envelope) hasID() bool { return len(e.ID) > 0 && string(e.ID) != "null" }

// version returns the revision that the message itself names.
func (e *envelope) version() string {
	var version string
	_ = json.Unmarshal(e.Params.Meta.Version, &version)
	return version
}

// isModern reports whether the message speaks a revision without sessions
// (2026-07-28 and later).
func (e *envelope) isModern() bool { return mcpgo.IsModernProtocol(e.version()) }

// errMessage is an error of the protocol that is answered with status 400.
type errMessage struct {
	id   json.RawMessage
	code int
	text string
	data any // may be nil
}

func (e errMessage) Error() string { return e.text }

func (e errMessage) message() rpcMessage {
	return rpcMessage{ID: e.id, Error: &rpcProblem{Code: e.code, Message: e.text, Data: e.data}}
}

func (e errMessage) write(w http.ResponseWriter) {
	httpx.JSON(w, http.StatusBadRequest, e.message())
}

// rpcMessage is a message of JSON-RPC 2.0 that we make ourselves.
type rpcMessage struct {
	ID     json.RawMessage // of a request or an answer; nil in an answer: null
	Method string          // of a request or notification
	Params any             // of these; may be nil
	Result any             // of an answer
	Error  *rpcProblem     // of an answer
}

type rpcProblem struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// MarshalJSON gives each kind of message the members that it must have.
func (m rpcMessage) MarshalJSON() ([]byte, error) {
	out := struct {
		JSONRPC string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id,omitempty"`
		Method  string          `json:"method,omitempty"`
		Params  any             `json:"params,omitempty"`
		Result  any             `json:"result,omitempty"`
		Error   *rpcProblem     `json:"error,omitempty"`
	}{mcpgo.JSONRPC_VERSION, m.ID, m.Method, m.Params, m.Result, m.Error}
	if m.Method == "" && len(m.ID) == 0 {
		out.ID = json.RawMessage("null")
	}
	return json.Marshal(out)
}

func notification(method string, params any) rpcMessage {
	return rpcMessage{Method: method, Params: params}
}
