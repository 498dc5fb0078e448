package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	plaintext "github.com/heycmo/heycmo-go/internal/plain"
	"github.com/heycmo/heycmo-go/storage"
)

// Loop is how an agent works by itself: it asks a model, calls the tools that the
// model wants called, hands the results back, and goes on until the model is done
// or a limit is reached.
//
//	outcome, err := (&agent.Loop{Model: model, Name: "gpt-5", Tools: tools}).Run(ctx, customer, instructions, task)
//
// A Loop may be used by many goroutines.
type Loop struct {
	Model Model
	// Name is the provider's name of the model.
	Name string
	// Tools are what the agent may call, and nothing else.
	Tools []*Tool
	// Call calls a tool; default [Tool.Call]. A host counts calls there.
	Call func(ctx context.Context, customer storage.CustomerID, t *Tool, call ToolCall) (Result, error)
	// Accept judges an answer that the model calls finished. The text of its error
	// tells the model what is missing, and the work goes on. May be nil.
	Accept func(o Outcome) error
	// Turned is called after each turn, one after the other; may be nil.
	Turned func(ctx context.Context, t Turn)
	Limits LoopLimits
}

// LoopLimits bound a run. 0 is the default.
type LoopLimits struct {
	Turns  int   // of the model; default 20
	Tokens int64 // of input and output together; default 200,000
	// Parallel is how many tools are called at once; default 4. Fanout is how many
	// calls of one turn are carried out at all; default 16.
	Parallel, Fanout int
	// Result is how many bytes of a tool's result the model gets; default 32 KiB.
	Result int
	// Repeats is how often the same call is carried out; default 3. A model that
	// goes on with it is stopped.
	Repeats int
}

// Outcome is what came of a run.
type Outcome struct {
	// Text is the answer, or as much of it as there was at the end.
	Text string
	End  End
	// Turns are what was done, in order.
	Turns  []Turn
	Tokens Tokens
}

// End says why a run ended.
type End string

// The ends of runs.
const (
	EndDone    End = "done"
	EndTurns   End = "turns"   // LoopLimits.Turns
	EndTokens  End = "tokens"  // LoopLimits.Tokens
	EndRepeats End = "repeats" // the model calls the same thing again and again
	EndFilter  End = "filter"  // the provider or the model refused to go on
	EndFailed  End = "failed"  // the model could not be asked, see the error
	EndStopped End = "stopped" // the context ended
)

// Turn is one message of the model and what its calls gave.
type Turn struct {
	Text   string
	Calls  []CallRecord
	Tokens Tokens
	Took   time.Duration
}

// CallRecord is a tool call that was carried out, or refused.
type CallRecord struct {
	ToolCall
	// Result is what the model was told, which is cut.
	Result  string
	IsError bool
	Took    time.Duration
}

// Run has the work done. The outcome holds what there is, also beside an error: of
// the model, or of the context.
func (l *Loop) Run(ctx context.Context, customer storage.CustomerID, system, task string) (Outcome, error) {
	r := run{Loop: l, limits: l.Limits.orDefaults(), customer: customer, seen: map[string]int{}}
	messages := []Message{{Role: RoleUser, Text: task}}
	for {
		request := ModelRequest{Model: l.Name, System: system, Messages: messages, Tools: l.Tools}
		last := len(r.Turns) >= r.limits.Turns-1
		if last && len(r.Turns) > 0 {
			request.Tools = nil
			request.Messages = append(slices.Clone(messages), Message{Role: RoleUser, Text: "There is no time for more. Hand in now what you have, and say what is missing."})
		}
		response, err := r.ask(ctx, request)
		if err != nil {
			return r.fail(ctx, err)
		}
		calls := response.Message.Calls
		switch {
		case response.Stop == StopFilter:
			return r.end(EndFilter)
		case last && len(calls) > 0, last && response.Stop == StopLength:
			return r.end(EndTurns)
		case r.Tokens.Input+r.Tokens.Output >= r.limits.Tokens && (len(calls) > 0 || response.Stop == StopLength):
			return r.end(EndTokens)
		}
		messages = append(messages, response.Message)
		if len(calls) > 0 {
			results, stuck := r.carryOut(ctx, calls)
			r.turned(ctx)
			if ctx.Err() != nil {
				return r.fail(ctx, ctx.Err())
			}
			if stuck {
				return r.end(EndRepeats)
			}
			messages = append(messages, Message{Role: RoleTool, Results: results})
			continue
		}
		r.turned(ctx)
		missing := r.missing(response)
		switch {
		case missing == "":
			return r.end(EndDone)
		case last:
			return r.end(EndTurns)
		}
		messages = append(messages, Message{Role: RoleUser, Text: missing})
	}
}

func (l LoopLimits) orDefaults() LoopLimits {
	or := func(n *int, otherwise int) {
		if *n <= 0 {
			*n = otherwise
		}
	}
	or(&l.Turns, 20)
	or(&l.Parallel, 4)
	or(&l.Fanout, 16)
	or(&l.Result, 32<<10)
	or(&l.Repeats, 3)
	if l.Tokens <= 0 {
		l.Tokens = 200_000
	}
	return l
}

// run is a Loop at work.
type run struct {
	*Loop
	Outcome
	limits   LoopLimits
	customer storage.CustomerID
	seen     map[string]int // calls, by name and arguments
}

// ask has the model write its next message, which begins a turn.
func (r *run) ask(ctx context.Context, request ModelRequest) (ModelResponse, error) {
	began := time.Now()
	response, err := r.Model.Generate(ctx, request)
	if err != nil {
		return ModelResponse{}, err
	}
	if text := strings.TrimSpace(response.Message.Text); text != "" {
		r.Text = text
	}
	r.Tokens = r.Tokens.Add(response.Tokens)
	r.Turns = append(r.Turns, Turn{Text: response.Message.Text, Tokens: response.Tokens, Took: time.Since(began)})
	return response, nil
}

// missing returns what the model still has to do, or "".
func (r *run) missing(response ModelResponse) string {
	switch {
	case response.Stop == StopLength:
		return "Your answer was cut off because it was too long. Write it again, shorter."
	case strings.TrimSpace(response.Message.Text) == "":
		return "Your answer is empty. Write it."
	case r.Accept == nil:
		return ""
	}
	if err := r.Accept(r.Outcome); err != nil {
		return err.Error()
	}
	return ""
}

func (r *run) turned(ctx context.Context) {
	if r.Turned != nil {
		r.Turned(ctx, r.Turns[len(r.Turns)-1])
	}
}

func (r *run) end(e End) (Outcome, error) {
	r.End = e
	return r.Outcome, nil
}

func (r *run) fail(ctx context.Context, err error) (Outcome, error) {
	r.End = EndFailed
	if ctx.Err() != nil {
		r.End, err = EndStopped, context.Cause(ctx)
	}
	return r.Outcome, fmt.Errorf("agent: run: %w", err)
}

// carryOut calls the tools that a turn asks for, several at once, and records them.
// It reports whether the model goes on with what it was told not to repeat.
func (r *run) carryOut(ctx context.Context, calls []ToolCall) (results []ToolResult, stuck bool) {
	records := make([]CallRecord, len(calls))
	var wg sync.WaitGroup
	places := make(chan struct{}, r.limits.Parallel)
	for i, call := range calls {
		key := call.Name + " " + string(call.Arguments)
		r.seen[key]++
		records[i] = CallRecord{ToolCall: call, IsError: true}
		switch n := r.seen[key]; {
		case n > r.limits.Repeats+1:
			stuck = true
			fallthrough
		case n > r.limits.Repeats:
			records[i].Result = fmt.Sprintf("this was called %d times with the same arguments; do something else", r.limits.Repeats)
			continue
		case i >= r.limits.Fanout:
			records[i].Result = fmt.Sprintf("too many calls at once: at most %d are carried out; call it again if it is needed", r.limits.Fanout)
			continue
		}
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			r.carryOutOne(ctx, &records[i])
		})
	}
	wg.Wait()
	for _, record := range records {
		results = append(results, ToolResult{ID: record.ID, Text: record.Result, IsError: record.IsError})
	}
	r.Turns[len(r.Turns)-1].Calls = records
	return results, stuck
}

func (r *run) carryOutOne(ctx context.Context, record *CallRecord) {
	began := time.Now()
	result, err := r.callTool(ctx, record.ToolCall)
	record.Took = time.Since(began)
	record.IsError = err != nil
	text := result.text()
	if err != nil {
		var ok bool
		if text, ok = CallerText(err); !ok {
			text = "the tool failed"
		}
	}
	record.Result = plaintext.Cut(plaintext.Clean(text), r.limits.Result)
}

func (r *run) callTool(ctx context.Context, call ToolCall) (result Result, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("agent: tool %q: panic: %v", call.Name, v)
		}
	}()
	i := slices.IndexFunc(r.Tools, func(t *Tool) bool { return t.Name == call.Name })
	switch {
	case i < 0:
		names := make([]string, len(r.Tools))
		for i, t := range r.Tools {
			names[i] = t.Name
		}
		return Result{}, Errorf("there is no tool %q; the tools are %s", call.Name, strings.Join(names, ", "))
	case r.Call != nil:
		return r.Call(ctx, r.customer, r.Tools[i], call)
	default:
		return r.Tools[i].Call(ctx, r.customer, call.Arguments)
	}
}

// text is what of a result a model can read.
func (r Result) text() string {
	var parts []string
	for _, c := range r.Content {
		switch {
		case c.Data != nil:
			parts = append(parts, "["+c.MIMEType+", "+fmt.Sprint(len(c.Data))+" bytes]")
		default:
			parts = append(parts, c.Text)
		}
	}
	return strings.Join(parts, "\n\n")
}
