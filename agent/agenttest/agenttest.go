// Package agenttest has models that cost nothing, for tests: [Script], and fake
// servers that speak the protocols of OpenAI ([StartOpenAI]) and Anthropic
// ([StartAnthropic]). All answer from one description, [Answer]. [RunModel] is
// the test suite for drivers of [agent.Model].
package agenttest

import (
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/agent"
)

// Key is the key that the fake servers take.
const Key = "sk-agenttest-51b07a3f9c"

// Answer describes what a model says next. The zero value is an empty message.
type Answer struct {
	// Text is what the model says.
	Text string
	// Calls are what it wants called. Without an ID they get one. Arguments may be
	// anything, except that Anthropic's plain answers can only hold JSON.
	Calls []agent.ToolCall
	// Stop is why it ends. Default: StopCalls with Calls, else StopEnd.
	Stop agent.StopReason
	// Tokens are what it costs. Default: 10 for input, 5 for output.
	Tokens agent.Tokens

	// Status, from 400, makes it an error with that HTTP status.
	Status int
	// After is how long an error asks to wait.
	After time.Duration
	// TooLong makes it the error for a conversation that doesn't fit.
	TooLong bool
	// Message is the text of an error, which real ones like to quote requests in.
	Message string

	// Delay is how long the answer takes; it ends with the request.
	Delay time.Duration
	// Cut ends the connection in the middle of the answer.
	Cut bool
	// Garbage answers with something that isn't of the protocol.
	Garbage bool

	// Asked is called with the request, before the answer.
	Asked func(Request)
}

// Request is what a model was asked.
type Request struct {
	agent.ModelRequest
	// ToolNames are the names of the tools; a server can't tell more of them, and
	// leaves Tools nil.
	ToolNames []string
	// Stream is set when the text is shown while it is being written.
	Stream bool
	// Body is what a server got.
	Body []byte

	usage bool // its stream shall end with what it cost
}

func (a Answer) failed() bool { return a.Status >= 400 || a.TooLong }

// filled sets the defaults; n counts the answers.
func (a Answer) filled(n int) Answer {
	if a.Stop == "" {
		a.Stop = agent.StopEnd
		if len(a.Calls) > 0 {
			a.Stop = agent.StopCalls
		}
	}
	if a.Tokens == (agent.Tokens{}) {
		a.Tokens = agent.Tokens{Input: 10, Output: 5}
	}
	calls := make([]agent.ToolCall, len(a.Calls))
	for i, call := range a.Calls {
		if call.ID == "" {
			call.ID = "call_" + string(rune('a'+n%26)) + strings.Repeat("x", i) + string(rune('0'+n/26%10))
		}
		calls[i] = call
	}
	a.Calls = calls
	if a.TooLong && a.Status == 0 {
		a.Status = 400
	}
	if a.failed() && a.Message == "" {
		a.Message = "the test wants an error"
	}
	return a
}

// pieces cuts a text as streams do, without regard to its letters' meaning but
// never within one.
func pieces(text string) []string {
	size := max(len(text)/1000, 7)
	var parts []string
	for text != "" {
		n := min(size, len(text))
		for n < len(text) && text[n]&0xC0 == 0x80 {
			n++
		}
		parts = append(parts, text[:n])
		text = text[n:]
	}
	return parts
}
