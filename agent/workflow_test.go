package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

type sum struct {
	A int `json:"a" jsonschema:"one of them"`
	B int `json:"b,omitempty" jsonschema:"the other"`
}

type total struct {
	Total int `json:"total"`
}

func add(_ workflow.Context, in sum) (total, error) { return total{in.A + in.B}, nil }

func TestWorkflow(t *testing.T) {
	w := agent.NewWorkflow("add", "Adds two numbers.", add, &agent.WorkflowOptions{Input: func(s *jsonschema.Schema) { s.Properties["a"].Maximum = new(9.0) }})
	if out, err := w.Run(nil, json.RawMessage(`{"a":1,"b":2}`)); err != nil || string(out) != `{"total":3}` {
		t.Errorf("%s, %v", out, err)
	}
	for input, want := range map[string]string{
		`{"a":1}`: "", `{"a":1,"b":null}`: "", ``: `argument "a" is missing`, `{"a":"x"}`: `"a"`, `{"a":10}`: `"a"`, `{"a":1,"c":1}`: "c", `[]`: "JSON object",
	} {
		_, err := w.Check(json.RawMessage(input))
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", input, err, want)
		}
	}
}

func TestBadWorkflows(t *testing.T) {
	good := func() *agent.Workflow { return agent.NewWorkflow("good", "It is good.", add, nil) }
	onboarding := func(name string) *agent.Workflow {
		return agent.NewWorkflow(name, "It is good.", add, &agent.WorkflowOptions{Onboarding: true})
	}
	for want, list := range map[string][]*agent.Workflow{
		"workflow 0 is nil":               {nil},
		`workflow "good" is there twice`:  {good(), good()},
		`workflow "Bad": the name must`:   {agent.NewWorkflow("Bad", "It is bad.", add, nil)},
		"the function is nil":             {agent.NewWorkflow[sum, total]("bad", "It is bad.", nil, nil)},
		"the description must not":        {agent.NewWorkflow("bad", "", add, nil)},
		"make it with NewWorkflow":        {{Name: "bad"}},
		"must take an empty input":        {agent.NewWorkflow("bad", "It is bad.", add, &agent.WorkflowOptions{Schedule: "0 8 * * *"})},
		`"first" is the onboarding`:       {onboarding("first"), onboarding("second")},
		"the argument must be a struct":   {agent.NewWorkflow("bad", "It is bad.", func(workflow.Context, string) (total, error) { return total{}, nil }, nil)},
		"the result must be a struct":     {agent.NewWorkflow("bad", "It is bad.", func(workflow.Context, sum) (int, error) { return 0, nil }, nil)},
		"there is nothing wrong with two": {good(), onboarding("first")},
	} {
		err := (&agent.Catalog{Workflows: list}).Validate()
		if strings.HasPrefix(want, "there is nothing") {
			if err != nil {
				t.Error(err)
			}
		} else if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}

// desk is a run of a host that hands work over, or has agents do it.
type desk struct {
	workflow.Context
	models bool
	result string
	got    workflow.Errand
}

func (d *desk) Customer() storage.CustomerID { return "ada" }
func (d *desk) HasModels() bool              { return d.models }
func (d *desk) Ask(workflow.Question) (workflow.Answer, error) {
	return workflow.Answer{}, errors.New("not asked")
}
func (d *desk) HandOver(e workflow.Errand) (json.RawMessage, error) {
	d.got = e
	return json.RawMessage(d.result), nil
}
func (d *desk) Step(_ string, fn func(context.Context) (json.RawMessage, error), _ workflow.StepOptions) (json.RawMessage, error) {
	return fn(agent.WithWorker(context.Background(), handing{}))
}

// handing is a Worker whose agents hand in what the task says.
type handing struct{}

func (handing) Work(ctx context.Context, customer storage.CustomerID, j agent.Job) (agent.Report, error) {
	what, _, _ := strings.Cut(j.Task, "\n")
	if what == "nothing" {
		return agent.Report{RunID: "r", Note: "It was too hard."}, nil
	}
	if _, done := j.Loop.Done(); done {
		return agent.Report{}, errors.New("done before it was handed in")
	}
	_, err := j.Tools[0].Call(ctx, customer, json.RawMessage(what))
	var wg sync.WaitGroup
	for range 2 { // it does not keep to calling it once, alone
		wg.Go(func() { _, _ = j.Tools[0].Call(ctx, customer, json.RawMessage(`{"total":9}`)) })
	}
	wg.Wait()
	return agent.Report{}, err
}

func assignment(task string) agent.Assignment {
	return agent.Assignment{Name: "add", Title: "Add them", Job: func(context.Context) (agent.Job, error) {
		return agent.Job{Agent: agent.Agent{ID: "a", Title: "Adder", Role: "Adds.", Instructions: "Add."}, Task: task}, nil
	}}
}

func TestAssign(t *testing.T) {
	d := &desk{result: `{"total":3}`}
	got, err := agent.Assign[total](d, assignment("Add 1 and 2"))
	if err != nil || got.Total != 3 || d.got.Name != "add" || d.got.Title != "Add them" {
		t.Errorf("%+v, %v after %+v", got, err, d.got)
	}
	if brief, err := d.got.Brief(t.Context()); err != nil || !strings.Contains(brief, "# Brief: Adder") || !strings.Contains(brief, "Add 1 and 2") {
		t.Errorf("the brief: %s, %v", brief, err)
	}
	for result, want := range map[string]string{`{"total":1}`: "", `{}`: `"total" is missing`, `{"total":"x"}`: `"total"`, `[]`: "JSON object", `{`: "JSON object"} {
		err := agent.CheckJSON(d.got.Schema, json.RawMessage(result))
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", result, err, want)
		}
	}
	d = &desk{models: true}
	if got, err = agent.Assign[total](d, assignment(`{"total":4}`)); err != nil || got.Total != 4 {
		t.Errorf("an agent: %+v, %v", got, err)
	}
	if _, err = agent.Assign[total](d, assignment("nothing")); err == nil || !strings.Contains(err.Error(), "Adder handed nothing in. It was too hard. (run r)") {
		t.Errorf("an agent that hands nothing in: %v", err)
	}
	if _, err = agent.Assign[int](d, assignment("")); err == nil {
		t.Error("a result that is no struct is taken")
	}
}
