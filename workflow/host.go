package workflow

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Host is what the [Context] of a host can do beside running steps. [Ask] and
// [HandOver] use it.
type Host interface {
	Ask(q Question) (Answer, error)
	HandOver(e Errand) (json.RawMessage, error)
	// HasModels reports whether agents do their work by themselves, which stays the
	// same for the whole of a run.
	HasModels() bool
}

// Question is something that a person must decide before a run goes on.
type Question struct {
	// Name is unique in the run, as those of steps are.
	Name string
	// Title says in a line what is to be decided, at most 200 characters. Text, in
	// Markdown, is what would be published or done.
	Title, Text string
	// Subject names the thing that it is about, such as "content/ID", so that a
	// decision about the thing answers the question too; may be empty.
	Subject string
	// Expires is after how long it is answered with DecisionExpired; default 14 days.
	// Remind is how often the customer is reminded until then; default 3 days, a
	// negative value is never.
	Expires, Remind time.Duration
}

// Decision is what a person said.
type Decision string

// The decisions. Only DecisionApprove lets something be published or changed.
const (
	DecisionApprove Decision = "approve"
	DecisionReject  Decision = "reject"
	DecisionRevise  Decision = "revise"  // the note says what to change
	DecisionExpired Decision = "expired" // nobody said anything in time
)

// Answer is the answer to a [Question].
type Answer struct {
	Decision Decision
	// Note is what the person said beside it; may be empty.
	Note string
}

// Errand is work that a run hands over to the customer's own model, because the host
// has none, or because only they can do it.
type Errand struct {
	// Name is unique in the run, as those of steps are.
	Name string
	// Title says in a line what is wanted, at most 200 characters.
	Title string
	// Brief returns how to do it, in Markdown. It is carried out as a step.
	Brief func(ctx context.Context) (string, error)
	// Schema is the JSON Schema of the result, of type object; nil: any object.
	Schema json.RawMessage
	// Expires is after how long the run goes on with ErrTimeout; default 14 days.
	Expires time.Duration
}

// ErrNoHost says that a run has nobody to ask: its engine was started without a host.
var ErrNoHost = errors.New("workflow: there is no host to ask")

// Ask asks a person and waits for the answer, for days if need be. While it waits, the
// run costs nothing but memory.
func Ask(c Context, q Question) (Answer, error) {
	h, ok := c.(Host)
	if !ok {
		return Answer{}, ErrNoHost
	}
	return h.Ask(q)
}

// HandOver hands work over and waits for its result, which fits e.Schema.
func HandOver(c Context, e Errand) (json.RawMessage, error) {
	h, ok := c.(Host)
	if !ok {
		return nil, ErrNoHost
	}
	return h.HandOver(e)
}

// HasModels reports whether agents do their work by themselves in the run of c.
func HasModels(c Context) bool {
	h, ok := c.(Host)
	return ok && h.HasModels()
}

// Scheduler is an [Engine] that keeps time itself, or has it kept by a service. A host
// leaves its schedules to it.
type Scheduler interface {
	// Schedule adds schedules. It is called before Start.
	Schedule(schedules ...Schedule)
}

// Schedule is something to do at times.
type Schedule struct {
	Name string
	// Cron is an expression with five fields, in UTC.
	Cron string
	// Tick is called with each time. It may be called more than once for the same one.
	Tick func(ctx context.Context, slot time.Time) error
}
