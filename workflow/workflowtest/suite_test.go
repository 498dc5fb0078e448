package workflowtest_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
	"github.com/heycmo/heycmo-go/workflow/workflowtest"
)

const faultVariable = "HEYCMO_WORKFLOWTEST_FAULT"

// TestSuite passes without a fault. TestFaultsAreFound runs it with each.
func TestSuite(t *testing.T) {
	workflowtest.Run(t, func(*testing.T) workflow.Engine {
		e := workflow.Engine(workflow.NewMemory(nil))
		if f, ok := faults[os.Getenv(faultVariable)]; ok {
			e = f.wrap(e)
		}
		return e
	})
}

// A fault is a way to get the contract wrong, and the check that finds it.
type fault struct {
	check string
	wrap  func(workflow.Engine) workflow.Engine
}

var faults = map[string]fault{
	"a run is begun again":             {"TriggerTwice", func(e workflow.Engine) workflow.Engine { return &again{Engine: e} }},
	"any customer may send":            {"ForeignCustomer", func(e workflow.Engine) workflow.Engine { return everybody{e} }},
	"unknown runs swallow signals":     {"EndedRun", func(e workflow.Engine) workflow.Engine { return swallows{e} }},
	"steps aren't tried again":         {"StepIsTriedAgain", bodies(func(c workflow.Context) workflow.Context { return once{c} })},
	"permanent errors are tried again": {"PermanentError", bodies(func(c workflow.Context) workflow.Context { return stubborn{c} })},
	"steps take as long as they like":  {"StepTimeout", bodies(func(c workflow.Context) workflow.Context { return patient{c} })},
	"sleep is short":                   {"Sleep", bodies(func(c workflow.Context) workflow.Context { return awake{c} })},
	"signals are lost before the wait": {"EarlySignal", func(e workflow.Engine) workflow.Engine { return loses{e} }},
}

func TestFaultsAreFound(t *testing.T) {
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSuite$/^"+f.check+"$", "-test.timeout=5s")
			cmd.Env = append(os.Environ(), faultVariable+"="+name)
			out, err := cmd.CombinedOutput()
			// Some faults show in that nothing comes.
			found := strings.Contains(string(out), "--- FAIL: TestSuite/"+f.check+" (") || strings.Contains(string(out), "test timed out") && strings.Contains(string(out), "TestSuite/"+f.check)
			if err == nil || !found {
				t.Errorf("%s did not find it: %v\n%s", f.check, err, out)
			}
		})
	}
}

type again struct {
	workflow.Engine
	n int
}

func (e *again) Trigger(ctx context.Context, customer storage.CustomerID, r workflow.Run) error {
	e.n++
	r.ID += strings.Repeat("+", e.n-1)
	return e.Engine.Trigger(ctx, customer, r)
}

type everybody struct{ workflow.Engine }

func (e everybody) Signal(ctx context.Context, customer storage.CustomerID, name, id, signal string, payload json.RawMessage) error {
	return e.Engine.Signal(ctx, storage.CustomerID(strings.ToLower(string(customer))), name, id, signal, payload)
}

type swallows struct{ workflow.Engine }

func (e swallows) Signal(ctx context.Context, customer storage.CustomerID, name, id, signal string, payload json.RawMessage) error {
	_ = e.Engine.Signal(ctx, customer, name, id, signal, payload)
	return nil
}

type loses struct{ workflow.Engine }

func (e loses) Signal(ctx context.Context, _ storage.CustomerID, _, _, _ string, _ json.RawMessage) error {
	return ctx.Err()
}

// bodies gives workflows another context.
func bodies(wrap func(workflow.Context) workflow.Context) func(workflow.Engine) workflow.Engine {
	return func(e workflow.Engine) workflow.Engine { return wrapping{e, wrap} }
}

type wrapping struct {
	workflow.Engine
	wrap func(workflow.Context) workflow.Context
}

func (w wrapping) Start(ctx context.Context, definitions ...workflow.Definition) error {
	for i, d := range definitions {
		definitions[i].Run = func(c workflow.Context, input json.RawMessage) (json.RawMessage, error) {
			return d.Run(w.wrap(c), input)
		}
	}
	return w.Engine.Start(ctx, definitions...)
}

type stepFunc = func(context.Context) (json.RawMessage, error)

type once struct{ workflow.Context }

func (c once) Step(name string, fn stepFunc, o workflow.StepOptions) (json.RawMessage, error) {
	o.Attempts = 1
	return c.Context.Step(name, fn, o)
}

type stubborn struct{ workflow.Context }

func (c stubborn) Step(name string, fn stepFunc, o workflow.StepOptions) (json.RawMessage, error) {
	return c.Context.Step(name, func(ctx context.Context) (json.RawMessage, error) {
		result, err := fn(ctx)
		if err != nil {
			return fn(ctx)
		}
		return result, nil
	}, o)
}

type patient struct{ workflow.Context }

func (c patient) Step(name string, fn stepFunc, o workflow.StepOptions) (json.RawMessage, error) {
	o.Timeout = 40 * time.Second
	return c.Context.Step(name, fn, o)
}

type awake struct{ workflow.Context }

func (c awake) Sleep(name string, _ time.Duration) error { return c.Context.Sleep(name, 0) }
