package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// Assignment is work of an agent in a workflow. See [Assign].
type Assignment struct {
	// Name is that of the step, and Title what people see; at most 200 characters.
	Name, Title string
	// Job returns what is to be done. It is carried out in the step.
	Job func(ctx context.Context) (Job, error)
	// Brief returns what a client's model is to be told where the host has no models.
	// It is carried out in a step. Default: what Job says, as a brief.
	Brief func(ctx context.Context) (string, error)
	// Expires is after how long the run goes on with [workflow.ErrTimeout] when nothing
	// is handed in; default 14 days.
	Expires time.Duration
}

// Assign has an agent do work in a run and returns what it handed in. T is a struct
// and gives the schema of that, as the input of [NewTool]. On a host with models the
// agent does it in one step, through a tool hand_in of its own. Otherwise the brief is
// handed over to the customer's model, and the run waits for the host's tool hand_in.
func Assign[T any](c workflow.Context, a Assignment) (result T, err error) {
	handIn := handInTool[T](nil)
	if err := handIn.validate(); err != nil {
		return result, fmt.Errorf("agent: assignment %q: %w", a.Name, err)
	}
	if workflow.HasModels(c) {
		return workflow.Step(c, a.Name, func(ctx context.Context) (T, error) { return atWork[T](ctx, c.Customer(), a) },
			&workflow.StepOptions{Attempts: 3, Backoff: time.Minute, Timeout: 15 * time.Minute})
	}
	schema, err := json.Marshal(handIn.input)
	if err != nil {
		return result, fmt.Errorf("agent: assignment %q: %w", a.Name, err)
	}
	data, err := workflow.HandOver(c, workflow.Errand{
		Name: a.Name, Title: a.Title, Schema: schema, Expires: a.Expires,
		Brief: func(ctx context.Context) (string, error) {
			if a.Brief != nil {
				return a.Brief(ctx)
			}
			job, err := a.Job(ctx)
			return job.Brief(), err
		},
	})
	if err != nil {
		return result, err
	}
	if err := json.Unmarshal(data, &result); err != nil {
		return result, workflow.Permanent(fmt.Errorf("agent: assignment %q: %w", a.Name, err))
	}
	return result, nil
}

type handedIn struct {
	Accepted bool `json:"accepted"`
}

// handInTool is how an agent hands in its work.
func handInTool[T any](take func(T)) *Tool {
	return NewTool("hand_in", "Hands your work in, which ends it. Call it once, alone, when everything is done.",
		func(_ context.Context, _ storage.CustomerID, in T) (handedIn, error) {
			take(in)
			return handedIn{true}, nil
		},
		&ToolOptions{Title: "Hand in", Uses: map[string]int64{}})
}

// atWork has the agent work by itself.
func atWork[T any](ctx context.Context, customer storage.CustomerID, a Assignment) (result T, err error) {
	w, ok := WorkerFrom(ctx)
	if !ok {
		return result, workflow.Permanent(Errorf("this service has no model any more"))
	}
	job, err := a.Job(ctx)
	if err != nil {
		return result, err
	}
	var mu sync.Mutex // a model may call hand_in several times at once; the first one counts
	done := false
	job.Tools = append(job.Tools, handInTool(func(in T) {
		mu.Lock()
		defer mu.Unlock()
		if !done {
			result, done = in, true
		}
	}))
	job.Task += "\n\nWhen you are done, hand your work in with the tool hand_in."
	job.Loop.Done = func() (string, bool) { return "handed in", done }
	job.Loop.Accept = func(context.Context, Outcome) error {
		return Errorf("Hand your work in with the tool hand_in; an answer alone is lost.")
	}
	report, err := w.Work(ctx, customer, job)
	if err != nil {
		return result, err
	}
	if !done {
		return result, Errorf("%s handed nothing in. %s (run %s)", job.Agent.Title, report.Note, report.RunID)
	}
	return result, nil
}

// Brief says to a client's model how to do the job, in Markdown.
func (j Job) Brief() string {
	var w strings.Builder
	how := j.System
	if how == "" {
		how = j.Agent.Instructions
	}
	fmt.Fprintf(&w, "# Brief: %s\n\nCarry this out now, in this conversation, as %s. The role: %s\n\n## How you work\n\n%s\n", j.Agent.Title, j.Agent.Title, j.Agent.Role, how)
	if len(j.Agent.Tools) > 0 {
		fmt.Fprintf(&w, "\nOf this service, use these tools and no others: `%s`.\n", strings.Join(j.Agent.Tools, "`, `"))
	}
	if j.Agent.Output != "" {
		fmt.Fprintf(&w, "\n## Output form\n\n%s\n", j.Agent.Output)
	}
	if j.Context != "" {
		fmt.Fprintf(&w, "\n## What is known\n\n%s\n", j.Context)
	}
	fmt.Fprintf(&w, "\n## Task\n\n%s\n", j.Task)
	return w.String()
}

// CheckJSON checks an object against a JSON Schema, as [Tool.Check] checks arguments.
func CheckJSON(schema, object json.RawMessage) error {
	var s jsonschema.Schema
	if err := json.Unmarshal(schema, &s); err != nil {
		return fmt.Errorf("agent: schema: %w", err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		return fmt.Errorf("agent: schema: %w", err)
	}
	var value map[string]any
	if err := json.Unmarshal(object, &value); err != nil || value == nil {
		return &ArgumentError{text: "the result must be a JSON object"}
	}
	if err := resolved.Validate(value); err != nil {
		return argumentError(&s, value, err)
	}
	return nil
}
