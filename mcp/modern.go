package mcp

import (
	"encoding/json"
	"net/http"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
)

func isModern(r *http.Request) bool {
	return mcpgo.IsModernProtocol(r.Header.Get(mcpgo.HeaderProtocolVersion))
}

// checkModern holds a request of 2026-07-28 or later against its headers (MCP
// 2026-07-28, basic/transports).
func (h *Handler) checkModern(r *http.Request, x *exchange) error {
	header, version := r.Header.Get(mcpgo.HeaderProtocolVersion), x.protocol()
	refuse := func(code int, text string) error { return errMessage{id: x.ID, code: code, text: text} }
	switch {
	case !x.isRequest() && !x.isAnswer():
		return nil // some clients send notifications without _meta
	case x.isAnswer():
		return refuse(mcpgo.INVALID_REQUEST, "this revision has no requests to clients, so no answers from them")
	case r.Header.Get(mcpgo.HeaderLastEventID) != "":
		return refuse(mcpgo.HEADER_MISMATCH, mcpgo.HeaderLastEventID+" has no meaning: streams can't be resumed; send the request again")
	case header == "":
		return refuse(mcpgo.HEADER_MISMATCH, mcpgo.HeaderProtocolVersion+" is missing")
	case version == "":
		return refuse(mcpgo.INVALID_PARAMS, "_meta lacks "+mcpgo.MetaKeyProtocolVersion)
	case version != header:
		return refuse(mcpgo.HEADER_MISMATCH, mcpgo.HeaderProtocolVersion+" and "+mcpgo.MetaKeyProtocolVersion+" differ")
	case !mcpgo.IsValidProtocolVersion(version):
		e := unsupportedVersion(version, mcpgo.ValidProtocolVersions)
		e.id = x.ID
		return e
	case !isObject(x.Params.Meta.Capabilities):
		return refuse(mcpgo.INVALID_PARAMS, "_meta lacks "+mcpgo.MetaKeyClientCapabilities)
	}
	if err := h.checkHeaders(r.Header, x); err != nil {
		return refuse(mcpgo.HEADER_MISMATCH, err.Error())
	}
	return h.readInput(x)
}

// checkHeaders holds the headers that repeat parts of the message against it
// (SEP-2243).
func (h *Handler) checkHeaders(header http.Header, x *exchange) error {
	name, isCall := text(x.Params.Name), x.Method == string(mcpgo.MethodToolsCall)
	tool := h.headerTools[name]
	if isCall && tool == nil && header.Get(mcpgo.HeaderMethod) == x.Method && header.Get(mcpgo.HeaderName) == name && h.app.HasTool(name) {
		return nil // most requests, without reading the message once more
	}
	var message struct {
		Params json.RawMessage `json:"params"`
	}
	_ = json.Unmarshal(x.body, &message) // it was JSON before
	err := mcpgo.ValidateStandardHeaders(header.Get, x.protocol(), mcpgo.MCPMethod(x.Method), message.Params)
	if err == nil && isCall && tool != nil {
		err = mcpgo.ValidateParamHeadersLookup(lookup(header), tool, message.Params)
	}
	return err
}

func lookup(header http.Header) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		values := header.Values(name)
		if len(values) == 0 {
			return "", false
		}
		return values[0], true
	}
}

func unsupportedVersion(version string, supported []string) errMessage {
	details := mcpgo.UnsupportedProtocolVersionError{Version: version, Supported: supported}.JSONRPCError().Error
	return errMessage{code: details.Code, text: details.Message, data: details.Data}
}
