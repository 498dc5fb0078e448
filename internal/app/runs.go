package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/internal/worker"
	"github.com/heycmo/heycmo-go/storage"
)

// runsKept is how long runs are remembered after their last sign of life.
const runsKept = 90 * 24 * time.Hour

func (a *App) sweepRuns(ctx context.Context) error {
	for {
		n, err := a.Runs.DeleteRuns(ctx, storage.Now().Add(-runsKept))
		if err != nil || n == 0 {
			return err
		}
	}
}

// offerRuns adds the tools that show runs, when there can be any.
func (a *App) offerRuns() {
	if a.Runs == nil {
		return
	}
	a.offer(a.listRunsTool())
	a.offer(a.getRunTool())
}

// runInfo is what lists show of a run.
type runInfo struct {
	ID        storage.RunID `json:"id" jsonschema:"the run's id"`
	Parent    storage.RunID `json:"parent,omitempty" jsonschema:"id of the run that asked for this one; not there for what the customer asked for"`
	Kind      string        `json:"kind" jsonschema:"what sort of run it is: agent or workflow"`
	Name      string        `json:"name" jsonschema:"which one ran: id of the agent, or name of the workflow"`
	Status    string        `json:"status" jsonschema:"queued, running, waiting (for a time, a person or a model), completed, partial (a limit or a budget ended it), failed, cancelled or interrupted"`
	Task      string        `json:"task" jsonschema:"what was wanted; its beginning in lists"`
	Tokens    int64         `json:"tokens" jsonschema:"tokens of models that it used, without those of runs that it asked for"`
	Cost      float64       `json:"cost,omitempty" jsonschema:"what they cost, in US dollars, where the price is known"`
	CreatedAt string        `json:"createdAt" jsonschema:"when it began, in UTC"`
	EndedAt   string        `json:"endedAt,omitempty" jsonschema:"when it ended, in UTC"`
	Seconds   float64       `json:"seconds" jsonschema:"how long it took, or has taken so far"`
}

type runDetail struct {
	runInfo
	Title string    `json:"title" jsonschema:"title of the agent or the workflow"`
	Asked []runInfo `json:"asked" jsonschema:"the runs that this one asked for, newest first, at most 100"`

	Model     string        `json:"model,omitempty" jsonschema:"of an agent: the model that was asked"`
	Outcome   string        `json:"outcome,omitempty" jsonschema:"of an agent: why it ended: done, turns, tokens, budget, time, repeats, filter, failed or stopped"`
	Note      string        `json:"note,omitempty" jsonschema:"of an agent: the same in a sentence, when it ended early"`
	Text      string        `json:"text,omitempty" jsonschema:"of an agent: what was handed over"`
	Turns     []worker.Turn `json:"turns,omitempty" jsonschema:"of an agent: each message of the model, and the tools that it called"`
	Proposals []worker.Call `json:"proposals,omitempty" jsonschema:"of an agent: calls that a person must decide on"`

	Steps   []stepInfo     `json:"steps,omitempty" jsonschema:"of a workflow: its steps so far"`
	Waiting *waiting       `json:"waiting,omitempty" jsonschema:"of a workflow: what it waits for"`
	Input   map[string]any `json:"input,omitempty" jsonschema:"of a workflow: what it was started with"`
	Output  map[string]any `json:"output,omitempty" jsonschema:"of a workflow: what came of it"`
	Error   string         `json:"error,omitempty" jsonschema:"of a workflow: why it failed"`
}

type stepInfo struct {
	Name     string  `json:"name" jsonschema:"what it does"`
	Status   string  `json:"status" jsonschema:"running, waiting, done or failed"`
	Attempts int     `json:"attempts,omitempty" jsonschema:"how often it was tried"`
	Seconds  float64 `json:"seconds" jsonschema:"how long it took"`
	Error    string  `json:"error,omitempty" jsonschema:"why the last attempt failed"`
	Message  string  `json:"message,omitempty" jsonschema:"how far it is"`
}

type listRunsIn struct {
	Agent    string `json:"agent,omitempty" jsonschema:"only runs of this agent"`
	Workflow string `json:"workflow,omitempty" jsonschema:"only runs of this workflow"`
	Limit    int    `json:"limit,omitempty" jsonschema:"how many to return at most; 50 when left out"`
	Cursor   string `json:"cursor,omitempty" jsonschema:"the nextCursor of the page before; left out for the first page"`
}

type listRunsOut struct {
	Runs       []runInfo `json:"runs" jsonschema:"newest first"`
	NextCursor string    `json:"nextCursor,omitempty" jsonschema:"the cursor of the next page; not there on the last one"`
}

type getRunIn struct {
	ID   storage.RunID `json:"id" jsonschema:"the run's id"`
	Wait int           `json:"wait,omitempty" jsonschema:"of a workflow: how many seconds to wait for it to end, or to need somebody; 0 when left out"`
}

func (a *App) listRunsTool() *agent.Tool {
	return agent.NewTool("list_runs",
		"What agents and workflows did for the customer, newest first: each task, how it ended, how long it took and what it used. Runs are kept for 90 days.",
		func(ctx context.Context, customer storage.CustomerID, in listRunsIn) (listRunsOut, error) {
			q := storage.RunQuery{Name: in.Agent}
			switch {
			case in.Agent != "" && in.Workflow != "":
				return listRunsOut{}, storage.Invalid("agent", "left out when workflow is given")
			case in.Agent != "":
				q.Kind = worker.Kind
			case in.Workflow != "":
				q.Kind, q.Name = runner.Kind, in.Workflow
			}
			runs, next, err := a.ListRuns(ctx, customer, q, in.Limit, in.Cursor)
			if err != nil {
				return listRunsOut{}, err
			}
			infos, err := a.infosOf(runs)
			return listRunsOut{infos, next}, err
		},
		&agent.ToolOptions{Title: "List runs", ReadOnly: true, Idempotent: true, Input: func(s *jsonschema.Schema) {
			s.Properties["agent"].MinLength, s.Properties["agent"].MaxLength = new(1), new(64)
			s.Properties["workflow"].MinLength, s.Properties["workflow"].MaxLength = new(1), new(64)
			s.Properties["limit"].Minimum, s.Properties["limit"].Maximum = new(1.0), new(float64(storage.MaxLimit))
			s.Properties["cursor"].MinLength, s.Properties["cursor"].MaxLength = new(1), new(512)
		}})
}

// ListRuns returns a page of the selected runs, and the cursor of the next one.
func (a *App) ListRuns(ctx context.Context, customer storage.CustomerID, q storage.RunQuery, limit int, cursor string) ([]storage.Run, string, error) {
	return storage.List(limit, cursor,
		func(r storage.Run) string { return string(r.ID) },
		func(page storage.Page) ([]storage.Run, error) {
			q.Page = page
			return a.Runs.Runs(ctx, customer, q)
		})
}

func (a *App) getRunTool() *agent.Tool {
	return agent.NewTool("get_run",
		"One run of an agent or a workflow: what was wanted, each step, what it handed over, whom it asked, and what it waits for.",
		func(ctx context.Context, customer storage.CustomerID, in getRunIn) (runDetail, error) {
			return a.awaitRun(ctx, customer, in.ID, in.Wait)
		},
		&agent.ToolOptions{Title: "Get run", ReadOnly: true, Idempotent: true, Input: func(s *jsonschema.Schema) {
			s.Properties["id"].MinLength, s.Properties["id"].MaxLength = new(1), new(64)
			boundWait(s)
		}})
}

func (a *App) runDetail(ctx context.Context, customer storage.CustomerID, id storage.RunID) (runDetail, error) {
	r, err := a.Runs.Run(ctx, customer, id)
	if errors.Is(err, storage.ErrNotFound) {
		return runDetail{}, agent.Errorf("there is no such run; list_runs shows those there are")
	}
	if err != nil {
		return runDetail{}, err
	}
	below, err := a.Runs.Runs(ctx, customer, storage.RunQuery{Parent: r.ID, Page: storage.Page{Limit: storage.MaxLimit}})
	if err != nil {
		return runDetail{}, err
	}
	asked, err := a.infosOf(below)
	if err != nil {
		return runDetail{}, err
	}
	if r.Kind == runner.Kind {
		return a.workflowRun(ctx, r, asked)
	}
	return a.agentRun(r, asked)
}

func (a *App) agentRun(r storage.Run, asked []runInfo) (runDetail, error) {
	record, err := agentRecord(r)
	return runDetail{
		runInfo: infoOf(r, worker.StatusOf(r, time.Now()), record.Task), Title: record.Title, Model: record.Model, Outcome: string(record.Outcome), Note: record.Note, Text: record.Text,
		Turns: record.Turns, Proposals: record.Proposals, Asked: asked,
	}, err
}

func (a *App) workflowRun(ctx context.Context, r storage.Run, asked []runInfo) (runDetail, error) {
	record, err := runner.RecordOf(r)
	if err != nil {
		return runDetail{}, err
	}
	d := runDetail{runInfo: infoOf(r, a.workflowStatus(r, record), record.Title), Title: record.Title, Error: record.Error, Asked: asked}
	if err := errors.Join(object(record.Input, &d.Input), object(record.Output, &d.Output)); err != nil {
		return runDetail{}, fmt.Errorf("app: run %s: %w", r.ID, err)
	}
	for _, s := range record.Steps {
		d.Steps = append(d.Steps, stepInfo{s.Name, s.Status, s.Attempts, s.Took(time.Now()).Seconds(), s.Error, s.Message})
	}
	d.Waiting, err = a.waitingOf(ctx, r.CustomerID, record.Waiting)
	return d, err
}

// object decodes JSON that may be missing.
func object(data json.RawMessage, to *map[string]any) error {
	if len(data) == 0 {
		return nil
	}
	return json.Unmarshal(data, to)
}

func (a *App) infosOf(runs []storage.Run) ([]runInfo, error) {
	infos := []runInfo{}
	for _, r := range runs {
		status, task, err := a.inShort(r)
		if err != nil {
			return nil, err
		}
		infos = append(infos, infoOf(r, status, task))
	}
	return infos, nil
}

const listedTask = 200 // characters

// inShort returns a run's state, and what was wanted as lists show it.
func (a *App) inShort(r storage.Run) (status, task string, err error) {
	if r.Kind == runner.Kind {
		record, err := runner.RecordOf(r)
		return a.workflowStatus(r, record), record.Title, err
	}
	record, err := agentRecord(r)
	if long := []rune(record.Task); len(long) > listedTask {
		record.Task = string(long[:listedTask]) + "…"
	}
	return worker.StatusOf(r, time.Now()), record.Task, err
}

func (a *App) workflowStatus(r storage.Run, record runner.Record) string {
	if a.Runner == nil {
		return r.Status
	}
	return a.Runner.StatusOf(r, record)
}

func agentRecord(r storage.Run) (record worker.Record, err error) {
	if err = json.Unmarshal(r.Data, &record); err != nil {
		err = fmt.Errorf("app: run %s: %w", r.ID, err)
	}
	return record, err
}

func infoOf(r storage.Run, status, task string) runInfo {
	info := runInfo{
		ID: r.ID, Parent: r.Parent, Kind: r.Kind, Name: r.Name, Status: status, Task: task,
		Tokens: r.Tokens, Cost: float64(r.Cost) / 1e6, CreatedAt: storage.FormatTime(r.CreatedAt),
	}
	end := r.EndedAt
	switch {
	case !end.IsZero():
		info.EndedAt = storage.FormatTime(end)
	case info.Status == worker.StatusInterrupted:
		end = r.UpdatedAt
	default:
		end = time.Now()
	}
	info.Seconds = end.Sub(r.CreatedAt).Round(time.Millisecond).Seconds()
	return info
}

// ReadableText is for models and people.
func (d runDetail) ReadableText() string {
	var w strings.Builder
	fmt.Fprintf(&w, "# %s: %s\n\nRun %s. Task: %s\n\n", d.Title, d.Status, d.ID, d.Task)
	for _, line := range []string{d.Note, d.Error} {
		if line != "" {
			w.WriteString(line + "\n\n")
		}
	}
	for i, t := range d.Turns {
		fmt.Fprintf(&w, "%d. %d tokens in %.1f s", i+1, t.Input+t.Output, float64(t.Millis)/1000)
		for _, c := range t.Calls {
			fmt.Fprintf(&w, "; `%s`", c.Tool)
			if c.Error != "" {
				w.WriteString(" (refused or failed)")
			}
		}
		w.WriteString("\n")
	}
	for i, s := range d.Steps {
		fmt.Fprintf(&w, "%d. %s: %s, %.1f s", i+1, s.Name, s.Status, s.Seconds)
		for _, more := range []string{s.Error, s.Message} {
			if more != "" {
				w.WriteString("; " + more)
			}
		}
		w.WriteString("\n")
	}
	for _, asked := range d.Asked {
		fmt.Fprintf(&w, "\nAsked %s, run %s: %s.", asked.Name, asked.ID, asked.Status)
	}
	if d.Waiting != nil {
		d.Waiting.write(&w)
	}
	if d.Text != "" {
		w.WriteString("\n\n## What was handed over\n\n" + d.Text + "\n")
	}
	if len(d.Output) > 0 {
		output, _ := json.MarshalIndent(d.Output, "", "  ") // it came from JSON
		fmt.Fprintf(&w, "\n\n## What came of it\n\n```json\n%s\n```\n", output)
	}
	return w.String()
}
