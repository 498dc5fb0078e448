package agent

import (
	"context"

	"github.com/heycmo/heycmo-go/storage"
)

// Worker has agents do their work. A host with models is one, for the tools of its
// catalog; see [WorkerFrom].
type Worker interface {
	// Work has the job done and recorded. Limits, budgets and a failing model end it
	// early; the report says so, and holds what there is. An error says that nothing
	// was done: the agent or the customer is unknown, or there is no more room.
	Work(ctx context.Context, customer storage.CustomerID, j Job) (Report, error)
}

// Job is work for an agent.
type Job struct {
	Agent Agent
	// System is all that the agent is told ahead; default its Instructions.
	System string
	// Context is what the agent is told beside the task, such as facts that others
	// wrote; may be empty.
	Context string
	Task    string
	// Known is what of Context people wrote or agreed to: the agent may open the
	// addresses in it, as those in Task.
	Known string
	// Tools are for this job alone, beside those of the catalog that Agent.Tools
	// names, and take the place of one with the same name.
	Tools []*Tool
	// Loop has the hooks and limits for this job: Accept, Check, Done, MustCall and
	// Limits. Other fields are the Worker's.
	Loop Loop
}

// Report is what came of a [Job].
type Report struct {
	RunID storage.RunID
	Agent string // its ID
	Task  string
	Outcome
	// Cost is in millionths of a US dollar.
	Cost int64
	// Note says in a sentence why the work ended early; empty when it did not.
	Note string
	// Proposals are calls that only a person may decide on, see
	// [ToolOptions].NeedsPerson. They were not carried out.
	Proposals []ToolCall
	// Parts are the reports of the agents that this one asked, in the order in which
	// they were done.
	Parts []Report
}

type workerKey struct{}

// WithWorker returns a context in which [WorkerFrom] finds w. The host provides it.
func WithWorker(ctx context.Context, w Worker) context.Context {
	return context.WithValue(ctx, workerKey{}, w)
}

// WorkerFrom returns the host's [Worker]. Without models there is none, and a tool
// that would have an agent work hands its caller a brief instead.
func WorkerFrom(ctx context.Context) (Worker, bool) {
	w, ok := ctx.Value(workerKey{}).(Worker)
	return w, ok
}

// Working is the agent that is at work in a context.
type Working struct {
	RunID storage.RunID
	// Root is the run that a customer asked for, which is RunID or one above it.
	Root  storage.RunID
	Agent Agent
	// Given reports whether a text was given to the agent, word for word: in the task
	// of the customer, in [Job].Known, or in the result of a tool that reaches the
	// outside ([ToolOptions].OpenWorld), before the agent wrote it itself. What was not
	// given, such as an address, it may have made up of what it knows.
	Given func(text string) bool
}

type workingKey struct{}

// WithWorking returns a context in which w is at work. A [Worker] provides it to the
// tools that it calls.
func WithWorking(ctx context.Context, w Working) context.Context {
	return context.WithValue(ctx, workingKey{}, w)
}

// WorkingFrom returns the agent that makes the running call by itself. There is none
// when a customer's client makes it.
func WorkingFrom(ctx context.Context) (w Working, ok bool) {
	w, ok = ctx.Value(workingKey{}).(Working)
	return w, ok
}
