package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	plaintext "github.com/heycmo/heycmo-go/internal/plain"
)

// carryOut calls the tools that a turn asks for, several at once, and records them.
// It reports whether the model goes on with what it was told not to repeat.
func (r *run) carryOut(ctx context.Context, calls []ToolCall) (results []ToolResult, stuck bool) {
	records := make([]CallRecord, len(calls))
	refused := make([]error, len(calls))
	if r.Check != nil {
		copy(refused, r.Check(calls))
	}
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
		case refused[i] != nil:
			records[i].Result = refused[i].Error()
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

// shortResult is how many bytes are left of a result that doesn't fit any more.
const shortResult = 512

// shorten cuts the results in a conversation that is too long, and reports whether
// there was something to cut.
func shorten(messages []Message) (shorter bool) {
	for i := range messages {
		if !slices.ContainsFunc(messages[i].Results, func(r ToolResult) bool { return len(r.Text) > shortResult }) {
			continue
		}
		messages[i].Results = slices.Clone(messages[i].Results) // the model was given the old ones
		for j := range messages[i].Results {
			messages[i].Results[j].Text = plaintext.Cut(messages[i].Results[j].Text, shortResult)
		}
		shorter = true
	}
	return shorter
}
