package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/agenttest"
	"github.com/heycmo/heycmo-go/internal/worker"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// office is a worker with a customer and a few tools.
type office struct {
	t        *testing.T
	store    storage.Store
	runs     storage.Runs
	customer storage.CustomerID
	config   worker.Config

	mu       sync.Mutex
	progress []string
}

func newOffice(t *testing.T, m agent.Model) *office {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	runs, ok := storage.RoleOf[storage.Runs](store)
	if !ok {
		t.Fatal("the store has no Runs")
	}
	o := &office{t: t, store: store, runs: runs, customer: storage.CustomerID(storage.NewID())}
	c := storage.Customer{ID: o.customer, Email: "ada@example.com", Status: storage.StatusActive, CreatedAt: storage.Now(), UpdatedAt: storage.Now()}
	if err := store.CreateCustomer(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	o.config = worker.Config{
		Models: agent.Models{agent.TierStandard: {Model: m, Name: "m-1", Price: agent.Price{Input: 2, Output: 10}}},
		Runs:   runs, Tools: map[string]*agent.Tool{}, Log: zaptest.NewLogger(t),
		Call: func(ctx context.Context, customer storage.CustomerID, t *agent.Tool, args json.RawMessage) (agent.Result, error) {
			return t.Call(ctx, customer, args)
		},
	}
	return o
}

type text struct {
	Text string `json:"text"`
}

// tool adds a tool to the catalog.
func (o *office) tool(name string, opts *agent.ToolOptions, do func(ctx context.Context, in string) (string, error)) {
	o.config.Tools[name] = agent.NewTool(name, "A tool.", func(ctx context.Context, _ storage.CustomerID, in text) (agent.Result, error) {
		out, err := do(ctx, in.Text)
		return agent.Text(out), err
	}, opts)
}

// Progress and Log make an office a Reporter.
func (o *office) Progress(_ context.Context, done, _ float64, message string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.progress = append(o.progress, fmt.Sprintf("%v %s", done, message))
}

func (*office) Log(context.Context, agent.Level, string) {}

func (o *office) context() context.Context { return agent.WithReporter(o.t.Context(), o) }

func (o *office) work(j agent.Job) agent.Report {
	o.t.Helper()
	report, err := worker.New(o.config).Work(o.context(), o.customer, j)
	if err != nil {
		o.t.Fatal(err)
	}
	return report
}

func (o *office) record(id storage.RunID) (storage.Run, worker.Record) {
	o.t.Helper()
	r, err := o.runs.Run(o.t.Context(), o.customer, id)
	if err != nil {
		o.t.Fatal(err)
	}
	var rec worker.Record
	if err := json.Unmarshal(r.Data, &rec); err != nil {
		o.t.Fatal(err)
	}
	return r, rec
}

func call(id, tool, in string) agent.ToolCall {
	args, _ := json.Marshal(text{in})
	return agent.ToolCall{ID: id, Name: tool, Arguments: args}
}

var (
	tokens = agent.Tokens{Input: 1000, Output: 100} // 3,000 millionths
	writer = agent.Agent{ID: "writer", Title: "Writer", Role: "Writes.", Tools: []string{"echo"}, Instructions: "Write well."}
)

func says(answer string) agenttest.Answer { return agenttest.Answer{Text: answer, Tokens: tokens} }

func wants(calls ...agent.ToolCall) agenttest.Answer {
	return agenttest.Answer{Calls: calls, Tokens: tokens}
}

func TestRunIsRecorded(t *testing.T) {
	var seen agenttest.Request
	first := wants(call("a", "echo", "hello"), call("b", "nothing", "x"))
	first.Asked = func(r agenttest.Request) { seen = r }
	o := newOffice(t, agenttest.NewScript(first, says("All done.")))
	o.tool("echo", &agent.ToolOptions{Title: "Echo"}, func(ctx context.Context, in string) (string, error) {
		agent.Progress(ctx, 1, 2, "half way")
		at, ok := agent.WorkingFrom(ctx)
		if !ok || at.Agent.ID != "writer" || at.Root != at.RunID || !at.Given("the task") || at.Given("hello") || at.Given("") {
			t.Errorf("at work: %+v, %t", at, ok)
		}
		if r, rec := o.record(at.RunID); r.Status != worker.StatusRunning || r.Tokens != 0 || rec.Task != "the task" || !r.EndedAt.IsZero() {
			t.Errorf("meanwhile the run is %+v", r)
		}
		return in, nil
	})
	o.tool("other", nil, func(context.Context, string) (string, error) { t.Error("not the agent's tool"); return "", nil })
	report := o.work(agent.Job{Agent: writer, Context: "facts", Task: "the task"})
	if report.Text != "All done." || report.End != agent.EndDone || report.Note != "" || report.Cost != 6000 || len(report.Turns) != 2 {
		t.Errorf("the report is %+v", report)
	}
	if seen.System != "Write well." || seen.Messages[0].Text != "facts\n\nthe task" || !slices.Equal(seen.ToolNames, []string{"echo"}) || seen.Model != "m-1" {
		t.Errorf("the model was asked %+v", seen)
	}
	r, rec := o.record(report.RunID)
	if r.Status != worker.StatusCompleted || r.Kind != worker.Kind || r.Name != "writer" || r.Parent != "" || r.Tokens != 2200 || r.Cost != 6000 || r.EndedAt.IsZero() {
		t.Errorf("the run is %+v", r)
	}
	if rec.Title != "Writer" || rec.Model != "m-1" || rec.Text != "All done." || rec.Outcome != agent.EndDone || len(rec.Turns) != 2 || len(rec.Turns[0].Calls) != 2 {
		t.Fatalf("the record is %+v", rec)
	}
	if c := rec.Turns[0].Calls; c[0].Tool != "echo" || c[0].Error != "" || c[0].Arguments != `{"text":"hello"}` || !strings.Contains(c[1].Error, "no tool") {
		t.Errorf("the calls are %+v", c)
	}
	if want := []string{"1 Writer begins", "2 Writer uses Echo", "3 Writer reports: half way", "4 Writer has finished"}; !slices.Equal(o.progress, want) {
		t.Errorf("progress %q, want %q", o.progress, want)
	}
}

// However a model behaves, the run ends in a state, with a sentence on it.
func TestEndsAreRecorded(t *testing.T) {
	circles := agenttest.ScriptFunc(func(int, agent.ModelRequest) (agenttest.Answer, error) { return wants(call("a", "echo", "x")), nil })
	for name, c := range map[string]struct {
		model  agent.Model
		status string
		end    agent.End
		note   string
	}{
		"key refused":     {agenttest.NewScript(agenttest.Answer{Status: 401}), worker.StatusFailed, agent.EndFailed, "operator"},
		"busy for ever":   {agenttest.NewScript(agenttest.Answer{Status: 429}), worker.StatusFailed, agent.EndFailed, "try again later"},
		"breaks off":      {agenttest.NewScript(agenttest.Answer{Text: "half", Cut: true}), worker.StatusFailed, agent.EndFailed, "try again later"},
		"garbage":         {agenttest.NewScript(agenttest.Answer{Garbage: true}), worker.StatusFailed, agent.EndFailed, "try again later"},
		"too long":        {agenttest.NewScript(agenttest.Answer{TooLong: true, Status: 400}), worker.StatusFailed, agent.EndFailed, "ask for less"},
		"refuses":         {agenttest.NewScript(agenttest.Answer{Text: "no", Stop: agent.StopFilter}), worker.StatusFailed, agent.EndFilter, "refused"},
		"runs in circles": {circles, worker.StatusPartial, agent.EndRepeats, "circles"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, c.model)
			o.tool("echo", nil, func(_ context.Context, in string) (string, error) { return in, nil })
			report := o.work(agent.Job{Agent: writer, Task: "the task"})
			r, rec := o.record(report.RunID)
			if report.End != c.end || r.Status != c.status || rec.Outcome != c.end || rec.Note != report.Note || !strings.Contains(report.Note, c.note) || r.EndedAt.IsZero() {
				t.Errorf("%s, %s with the note %q", r.Status, report.End, report.Note)
			}
		})
	}
}

func TestCancelledRunIsRecorded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := newOffice(t, agenttest.NewScript(wants(call("a", "echo", "x")), says("never")))
	o.tool("echo", nil, func(context.Context, string) (string, error) { cancel(); return "", nil })
	report, err := worker.New(o.config).Work(ctx, o.customer, agent.Job{Agent: writer, Task: "the task"})
	if err != nil || report.End != agent.EndStopped {
		t.Errorf("%+v, %v", report, err)
	}
	if r, rec := o.record(report.RunID); r.Status != worker.StatusCancelled || r.Tokens != 1100 || len(rec.Turns) != 1 {
		t.Errorf("the run is %+v", r)
	}
}

func TestBudgets(t *testing.T) {
	endless := func() agent.Model {
		n := 0
		return agenttest.ScriptFunc(func(int, agent.ModelRequest) (agenttest.Answer, error) {
			n++
			return wants(call("a", "echo", fmt.Sprint(n))), nil
		})
	}
	for name, c := range map[string]struct {
		budget agent.Budget
		turns  int
		note   string
	}{
		// A turn is estimated at a bit more than 1,000 tokens (2,000 millionths of a
		// dollar) before, and takes 1,100 (3,000).
		"tokens of a run":  {agent.Budget{RunTokens: 4000}, 3, "4000 tokens for one task"},
		"tokens of a day":  {agent.Budget{DayTokens: 3000}, 2, "3000 tokens for one day"},
		"dollars of a run": {agent.Budget{RunCost: 0.009}, 3, "0.01 US dollars for one task"},
		"dollars of a day": {agent.Budget{DayCost: 0.006}, 2, "0.01 US dollars for one day"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, endless())
			o.config.Budget = c.budget
			o.tool("echo", nil, func(_ context.Context, in string) (string, error) { return in, nil })
			report := o.work(agent.Job{Agent: writer, Task: "the task"})
			if report.End != agent.EndBudget || len(report.Turns) != c.turns || !strings.Contains(report.Note, c.note) {
				t.Errorf("%s after %d turns: %q", report.End, len(report.Turns), report.Note)
			}
			if r, _ := o.record(report.RunID); r.Status != worker.StatusPartial {
				t.Errorf("the run is %s", r.Status)
			}
			second := o.work(agent.Job{Agent: writer, Task: "another task"})
			if today := strings.Contains(name, "day"); today != (len(second.Turns) == 0) {
				t.Errorf("the next task had %d turns", len(second.Turns))
			}
		})
	}
}

// What a run uses counts for the customer's plan, turn by turn.
func TestPlansCount(t *testing.T) {
	o := newOffice(t, agenttest.NewScript(says(""), says("done")))
	var log []string
	full := agent.Errorf("the plan is used up")
	spend := func(_ context.Context, metric string, units int64) (func(int64), error) {
		if len(log) == 2 {
			return nil, full
		}
		log = append(log, fmt.Sprint(metric, units > 1000))
		return func(used int64) { log = append(log, fmt.Sprint(used)) }, nil
	}
	report, err := worker.New(o.config).Work(agent.WithSpend(t.Context(), spend), o.customer, agent.Job{Agent: agent.Agent{ID: "a", Title: "A"}, Task: "task"})
	if err != nil || report.End != agent.EndBudget || !strings.Contains(report.Note, "the plan is used up") {
		t.Errorf("%+v, %v", report, err)
	}
	if !slices.Equal(log, []string{"model_tokenstrue", "1100"}) {
		t.Errorf("spent %q", log)
	}
}

// The leader has three work at the same time; each knows where it belongs.
func TestAskingOthers(t *testing.T) {
	o := newOffice(t, nil)
	var together sync.WaitGroup
	together.Add(3)
	o.config.Models = agent.Models{agent.TierStandard: {Name: "m-1", Model: agenttest.ScriptFunc(func(_ int, r agent.ModelRequest) (agenttest.Answer, error) {
		last := r.Messages[len(r.Messages)-1]
		switch {
		case r.System == "lead" && last.Role == agent.RoleUser:
			return wants(call("1", "ask", "one"), call("2", "ask", "two"), call("3", "ask", "three"), call("4", "ask", "lead")), nil
		case r.System == "lead":
			for _, result := range last.Results {
				if want := result.ID == "4"; result.IsError != want {
					t.Errorf("asking is answered with %+v", result)
				}
			}
			return says("All three."), nil
		}
		together.Done()
		together.Wait() // all three are asked before any answers
		return says("by " + r.System), nil
	})}}
	o.tool("ask", nil, func(ctx context.Context, who string) (string, error) {
		w := worker.New(o.config)
		report, err := w.Work(ctx, o.customer, agent.Job{Agent: agent.Agent{ID: who, Title: who, Instructions: who}, Task: "do " + who})
		return report.Text, err
	})
	report := o.work(agent.Job{Agent: agent.Agent{ID: "lead", Title: "Lead", Tools: []string{"ask"}, Instructions: "lead"}, Task: "all"})
	var did []string
	for _, part := range report.Parts {
		did = append(did, part.Agent+": "+part.Text+" for "+part.Task)
		if r, _ := o.record(part.RunID); r.Parent != report.RunID {
			t.Errorf("the part's parent is %q", r.Parent)
		}
	}
	slices.Sort(did)
	if want := []string{"one: by one for do one", "three: by three for do three", "two: by two for do two"}; !slices.Equal(did, want) || report.Text != "All three." {
		t.Errorf("%q: %q", report.Text, did)
	}
	for i, line := range o.progress {
		if !strings.HasPrefix(line, fmt.Sprint(i+1, " ")) {
			t.Errorf("progress %d is %q", i+1, line)
		}
	}
}

// Asking has bounds in depth, in number, and in what all together may use.
func TestAskingIsBounded(t *testing.T) {
	var o *office
	n := 0
	o = newOffice(t, agenttest.ScriptFunc(func(_ int, r agent.ModelRequest) (agenttest.Answer, error) {
		n++
		if last := r.Messages[len(r.Messages)-1]; last.Role == agent.RoleTool && last.Results[0].IsError {
			return says(last.Results[0].Text), nil
		}
		if r.MayNotCall {
			return says("no tools"), nil
		}
		return wants(call("a", "ask", fmt.Sprint("agent", n))), nil
	}))
	deepest := 0
	o.tool("ask", nil, func(ctx context.Context, who string) (string, error) {
		report, err := worker.New(o.config).Work(ctx, o.customer, agent.Job{Agent: agent.Agent{ID: who, Title: who, Tools: []string{"ask"}, Instructions: who}, Task: "go on"})
		deepest++
		return report.Text, err
	})
	report := o.work(agent.Job{Agent: agent.Agent{ID: "lead", Title: "Lead", Tools: []string{"ask"}, Instructions: "lead"}, Task: "all"})
	runs, err := o.runs.Runs(t.Context(), o.customer, storage.RunQuery{Page: storage.Page{Limit: 100}})
	if err != nil {
		t.Fatal(err)
	}
	depth := 0
	for at := report; ; at = at.Parts[0] {
		if len(at.Parts) > 8 {
			t.Errorf("%s asked %d others", at.Agent, len(at.Parts))
		}
		if len(at.Parts) == 0 {
			break
		}
		depth++
	}
	var used int64
	for _, r := range runs {
		used += r.Tokens
	}
	if depth != 2 || used > 500_000 {
		t.Errorf("%d runs in a depth of %d used %d tokens", len(runs), depth, used)
	}
}

// A run and those below it share one budget.
func TestTreeSharesBudget(t *testing.T) {
	o := newOffice(t, nil)
	o.config.Budget.RunTokens = 4000
	o.config.Models = agent.Models{agent.TierFast: {Name: "m-1", Model: agenttest.ScriptFunc(func(_ int, r agent.ModelRequest) (agenttest.Answer, error) {
		if r.System == "lead" {
			return wants(call("a", "ask", "one")), nil
		}
		return wants(call("a", "echo", fmt.Sprint(len(r.Messages)))), nil
	})}}
	o.tool("echo", nil, func(_ context.Context, in string) (string, error) { return in, nil })
	o.tool("ask", nil, func(ctx context.Context, who string) (string, error) {
		report, err := worker.New(o.config).Work(ctx, o.customer, agent.Job{Agent: agent.Agent{ID: who, Title: who, Tools: []string{"echo"}, Instructions: who}, Task: "go"})
		return report.Note, err
	})
	report := o.work(agent.Job{Agent: agent.Agent{ID: "lead", Title: "Lead", Tools: []string{"ask"}, Instructions: "lead"}, Task: "all"})
	if report.End != agent.EndBudget || len(report.Turns) != 1 || len(report.Parts) != 1 || report.Parts[0].End != agent.EndBudget || len(report.Parts[0].Turns) != 2 {
		t.Errorf("the leader: %s after %d turns, the other: %+v", report.End, len(report.Turns), report.Parts)
	}
}

// What only a person may decide is proposed, in the form in which it can be done.
func TestProposals(t *testing.T) {
	o := newOffice(t, agenttest.NewScript(wants(call("a", "publish", "now"), agent.ToolCall{ID: "b", Name: "publish", Arguments: []byte(`{"when":1}`)}), says("proposed")))
	o.tool("publish", &agent.ToolOptions{NeedsPerson: true}, func(context.Context, string) (string, error) { t.Error("published"); return "", nil })
	report := o.work(agent.Job{Agent: agent.Agent{ID: "w", Title: "W", Tools: []string{"publish"}, Instructions: "w"}, Task: "all"})
	if len(report.Proposals) != 1 || report.Proposals[0].Name != "publish" || string(report.Proposals[0].Arguments) != `{"text":"now"}` {
		t.Errorf("proposals %+v", report.Proposals)
	}
	calls := report.Turns[0].Calls
	if calls[0].IsError || !strings.Contains(calls[0].Result, "person") || !calls[1].IsError {
		t.Errorf("the model is told %+v", calls)
	}
	if _, rec := o.record(report.RunID); len(rec.Proposals) != 1 || rec.Proposals[0].Arguments != `{"text":"now"}` {
		t.Errorf("recorded proposals %+v", rec.Proposals)
	}
}

// An agent has read what tools returned in turns before, also inside of JSON.
func TestGiven(t *testing.T) {
	const link = "https://example.com/?a=1&b=2"
	o := newOffice(t, agenttest.NewScript(wants(call("a", "page", "")), wants(call("b", "open", link)), says("done")))
	o.tool("page", &agent.ToolOptions{OpenWorld: true}, func(context.Context, string) (string, error) {
		data, err := json.Marshal(text{link})
		return string(data), err
	})
	o.tool("open", nil, func(ctx context.Context, in string) (string, error) {
		at, _ := agent.WorkingFrom(ctx)
		for text, want := range map[string]bool{in: true, in + "&secret=1": false, "https://brand.example": true, "https://task.example": true, "https://context.example": false} {
			if at.Given(text) != want {
				t.Errorf("given %s: %t", text, !want)
			}
		}
		return "", nil
	})
	o.work(agent.Job{
		Agent:   agent.Agent{ID: "w", Title: "W", Tools: []string{"page", "open"}, Instructions: "w"},
		Context: "see https://context.example", Known: "see https://brand.example", Task: "see https://task.example",
	})
}

// What an agent made up isn't given to it by whoever says it again: a tool, or the task
// of an agent that it asks.
func TestMadeUpIsNotGiven(t *testing.T) {
	const made, real = "https://evil.example/?d=secret", "https://task.example/page"
	o := newOffice(t, agenttest.ScriptFunc(func(_ int, r agent.ModelRequest) (agenttest.Answer, error) {
		last := r.Messages[len(r.Messages)-1]
		switch {
		case r.System == "other" && last.Role == agent.RoleUser:
			return wants(call("c", "look", "")), nil
		case r.System == "other", len(r.Messages) > 5:
			return says("done"), nil
		case len(r.Messages) == 1:
			return wants(call("a", "echo", made)), nil
		case len(r.Messages) == 3:
			return wants(call("b", "ask", made+" "+real), call("d", "look", "")), nil
		}
		return says("done"), nil
	}))
	var looked atomic.Int32 // the two look at the same time
	o.tool("echo", &agent.ToolOptions{OpenWorld: true}, func(_ context.Context, in string) (string, error) { return in, nil })
	o.tool("look", nil, func(ctx context.Context, _ string) (string, error) {
		looked.Add(1)
		if at, _ := agent.WorkingFrom(ctx); at.Given(made) || !at.Given(real) {
			t.Errorf("%s was given %t, %t", at.Agent.ID, at.Given(made), at.Given(real))
		}
		return "", nil
	})
	o.tool("ask", nil, func(ctx context.Context, task string) (string, error) {
		report, err := worker.New(o.config).Work(ctx, o.customer, agent.Job{Agent: agent.Agent{ID: "other", Title: "O", Tools: []string{"look"}, Instructions: "other"}, Task: task})
		return report.Text, err
	})
	o.work(agent.Job{Agent: agent.Agent{ID: "w", Title: "W", Tools: []string{"echo", "ask", "look"}, Instructions: "w"}, Task: "see " + real})
	if looked.Load() != 2 {
		t.Errorf("%d looked", looked.Load())
	}
}

func TestBadJobs(t *testing.T) {
	o := newOffice(t, agenttest.NewScript())
	w := worker.New(o.config)
	for want, j := range map[string]agent.Job{
		"task must be given":                  {Agent: writer, Task: " "},
		"agent writer: there is no tool echo": {Agent: writer, Task: "task"},
	} {
		if _, err := w.Work(t.Context(), o.customer, j); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := w.Work(t.Context(), "nobody", agent.Job{Agent: agent.Agent{ID: "w", Title: "W"}, Task: "task"}); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("for nobody: %v", err)
	}
	runs, err := o.runs.Runs(t.Context(), o.customer, storage.RunQuery{Page: storage.Page{Limit: 1}})
	if err != nil || len(runs) != 0 {
		t.Errorf("%d runs were made, %v", len(runs), err)
	}
}

func TestStatusOf(t *testing.T) {
	now := storage.Now()
	run := storage.Run{Status: worker.StatusRunning, UpdatedAt: now.Add(-14 * time.Minute)}
	if got := worker.StatusOf(run, now); got != worker.StatusRunning {
		t.Errorf("%s after 14 minutes", got)
	}
	run.UpdatedAt = now.Add(-16 * time.Minute)
	if got := worker.StatusOf(run, now); got != worker.StatusInterrupted {
		t.Errorf("%s after 16 minutes", got)
	}
	run.Status = worker.StatusFailed
	if got := worker.StatusOf(run, now); got != worker.StatusFailed {
		t.Errorf("an ended run is %s", got)
	}
}
