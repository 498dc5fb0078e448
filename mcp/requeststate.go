package mcp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

// stateLifetime is how long a client may take to answer.
const stateLifetime = 10 * time.Minute

// requestState is what a client that is asked for input must send back: the
// answers it gave in earlier rounds. It is signed together with the customer and
// the request, so that it fits no other one (MCP 2026-07-28, "Multi Round-Trip
// Requests", security considerations).
type requestState struct {
	Answers map[string]json.RawMessage `json:"answers,omitempty"`
	Expires int64                      `json:"expires"` // Unix seconds
}

// inputRequired returns the parts of a result that ask the client.
func (h *Handler) inputRequired(x *exchange, n *inputNeeded) mcpgo.MultiRoundTripResult {
	requests := make(mcpgo.InputRequests, len(n.questions))
	for name, q := range n.questions {
		requests[name] = inputRequest(q)
	}
	// Both were JSON before, and so can be again.
	state, _ := json.Marshal(requestState{n.answers, time.Now().Add(stateLifetime).Unix()})
	signed := append(stateMAC(h.config.Secrets[0], x, state), state...)
	return mcpgo.MultiRoundTripResult{InputRequests: requests, RequestState: base64.RawURLEncoding.EncodeToString(signed)}
}

// readInput takes what the client answered out of its request.
func (h *Handler) readInput(x *exchange) error {
	x.given = map[string]json.RawMessage{}
	if raw := x.Params.RequestState; len(raw) > 0 && string(raw) != "null" {
		state, ok := h.openState(x, raw)
		if !ok {
			return errMessage{id: x.ID, code: mcpgo.INVALID_PARAMS, text: "requestState is not valid or has expired; send the request without it"}
		}
		maps.Copy(x.given, state.Answers)
	}
	if raw := x.Params.InputResponses; len(raw) > 0 {
		var answers map[string]json.RawMessage
		if err := json.Unmarshal(raw, &answers); err != nil {
			return errMessage{id: x.ID, code: mcpgo.INVALID_PARAMS, text: "inputResponses must be an object"}
		}
		maps.Copy(x.given, answers)
	}
	return nil
}

func (h *Handler) openState(x *exchange, raw json.RawMessage) (requestState, bool) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return requestState{}, false
	}
	signed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(signed) < sha256.Size {
		return requestState{}, false
	}
	mac, data := signed[:sha256.Size], signed[sha256.Size:]
	ours := slices.ContainsFunc(h.config.Secrets, func(secret []byte) bool {
		return hmac.Equal(mac, stateMAC(secret, x, data))
	})
	var state requestState
	if !ours || json.Unmarshal(data, &state) != nil || time.Now().Unix() > state.Expires {
		return requestState{}, false
	}
	return state, true
}

func stateMAC(secret []byte, x *exchange, state []byte) []byte {
	m := hmac.New(sha256.New, secret)
	for _, part := range [][]byte{
		[]byte("mcp request state"), []byte(x.caller.Customer), []byte(x.Method), x.Params.Name, canonical(x.Params.Arguments), state,
	} {
		sum := sha256.Sum256(part)
		m.Write(sum[:])
	}
	return m.Sum(nil)
}

// canonical returns JSON with the names in order, since clients may write the
// arguments anew when they call again.
func canonical(raw json.RawMessage) []byte {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return raw
	}
	data, _ := json.Marshal(v) // it was JSON before
	return data
}
