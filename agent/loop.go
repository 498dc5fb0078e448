package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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
	// MustCall asks the model to call a tool in each turn. An answer without a call
	// is taken all the same, unless Accept refuses it.
	MustCall bool
	// Check judges the calls of a turn before any is carried out, and returns an
	// error for each, nil for those that may be carried out. The texts of the errors
	// tell the model what to do instead. May be nil.
	Check func(calls []ToolCall) []error
	// Done is asked after the calls of a turn whether the work is finished with them,
	// and what came of it; may be nil.
	Done func() (text string, done bool)
	// Accept judges an answer that the model calls finished. The text of its error
	// tells the model what is missing, and the work goes on. May be nil.
	Accept func(ctx context.Context, o Outcome) error
	// Admit is asked before each turn whether there is room for about so many tokens.
	// Its error ends the run with EndBudget; otherwise settle is told how many they
	// were, none when the model failed. May be nil.
	Admit func(ctx context.Context, tokens int64) (settle func(Tokens), err error)
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
	// Answer is how many tokens one message of the model may have; default 8,192.
	Answer int
	// Repeats is how often the same call is carried out; default 3. A model that
	// goes on with it is stopped.
	Repeats int
	// Time is how long a run may take; default 9 minutes.
	Time time.Duration
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
	EndBudget  End = "budget"  // Loop.Admit had no room for another turn
	EndTime    End = "time"    // LoopLimits.Time
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

// errTime is the cause of a context that ended by LoopLimits.Time.
var errTime = errors.New("agent: the run took too long")

// Run has the work done. The outcome holds what there is, also beside an error: of
// the model, of Admit, or of the context.
func (l *Loop) Run(ctx context.Context, customer storage.CustomerID, system, task string) (Outcome, error) {
	r := run{Loop: l, limits: l.Limits.orDefaults(), customer: customer, seen: map[string]int{}}
	ctx, cancel := context.WithTimeoutCause(ctx, r.limits.Time, errTime)
	defer cancel()
	messages := []Message{{Role: RoleUser, Text: task}}
	for {
		request := ModelRequest{Model: l.Name, System: system, Messages: messages, Tools: l.Tools, MustCall: l.MustCall && len(l.Tools) > 0, MaxTokens: r.limits.Answer}
		last := len(r.Turns) >= r.limits.Turns-1
		if last && len(r.Turns) > 0 {
			request.MustCall, request.MayNotCall = false, true
			request.Messages = append(slices.Clone(messages), Message{Role: RoleUser, Text: "There is no time for more. Hand in now what you have, and say what is missing."})
		}
		response, err := r.ask(ctx, request)
		if failed, ok := errors.AsType[*ModelError](err); ok && failed.Kind == ModelTooLong && shorten(messages) {
			continue
		}
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
			if r.Done != nil {
				if text, done := r.Done(); done {
					r.Text = text
					return r.end(EndDone)
				}
			}
			messages = append(messages, Message{Role: RoleTool, Results: results})
			continue
		}
		r.turned(ctx)
		missing := r.missing(ctx, response)
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
	or(&l.Answer, 8192)
	or(&l.Repeats, 3)
	if l.Tokens <= 0 {
		l.Tokens = 200_000
	}
	if l.Time <= 0 {
		l.Time = 9 * time.Minute
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
	settle := func(Tokens) {}
	if r.Admit != nil {
		admitted, err := r.Admit(ctx, request.estimate())
		if err != nil {
			return ModelResponse{}, &noRoom{err}
		}
		settle = admitted
	}
	began := time.Now()
	response, err := r.Model.Generate(ctx, request)
	settle(response.Tokens)
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

// noRoom is an error of Admit.
type noRoom struct{ error }

func (e *noRoom) Unwrap() error { return e.error }

// estimate returns about how many tokens asking and answering will take: one for
// four bytes, as is usual for English, and a short answer.
func (r ModelRequest) estimate() int64 {
	size := len(r.System)
	for _, m := range r.Messages {
		size += len(m.Text)
		for _, c := range m.Calls {
			size += len(c.Arguments)
		}
		for _, result := range m.Results {
			size += len(result.Text)
		}
	}
	return int64(size)/4 + 1000
}

// missing returns what the model still has to do, or "".
func (r *run) missing(ctx context.Context, response ModelResponse) string {
	switch {
	case response.Stop == StopLength:
		return "Your answer was cut off because it was too long. Write it again, shorter."
	case strings.TrimSpace(response.Message.Text) == "":
		return "Your answer is empty. Write it."
	case r.Accept == nil:
		return ""
	}
	if err := r.Accept(ctx, r.Outcome); err != nil {
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
	_, full := errors.AsType[*noRoom](err)
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errTime):
		return r.end(EndTime)
	case cause != nil:
		r.End, err = EndStopped, cause
	case full:
		r.End = EndBudget
	default:
		r.End = EndFailed
	}
	return r.Outcome, fmt.Errorf("agent: run: %w", err)
}
