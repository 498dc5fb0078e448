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
	"github.com/heycmo/heycmo-go/internal/worker"
	"github.com/heycmo/heycmo-go/storage"
)

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
	Kind      string        `json:"kind" jsonschema:"what sort of run it is: agent"`
	Name      string        `json:"name" jsonschema:"which one ran: id of the agent"`
	Status    string        `json:"status" jsonschema:"running, completed, partial (a limit or a budget ended it), failed, cancelled or interrupted"`
	Task      string        `json:"task" jsonschema:"what was wanted; its beginning in lists"`
	Tokens    int64         `json:"tokens" jsonschema:"tokens of models that it used, without those of runs that it asked for"`
	Cost      float64       `json:"cost,omitempty" jsonschema:"what they cost, in US dollars, where the price is known"`
	CreatedAt string        `json:"createdAt" jsonschema:"when it began, in UTC"`
	EndedAt   string        `json:"endedAt,omitempty" jsonschema:"when it ended, in UTC"`
	Seconds   float64       `json:"seconds" jsonschema:"how long it took, or has taken so far"`
}

type runDetail struct {
	runInfo
	Title     string        `json:"title" jsonschema:"title of the agent"`
	Model     string        `json:"model" jsonschema:"the model that was asked"`
	Outcome   string        `json:"outcome,omitempty" jsonschema:"why it ended: done, turns, tokens, budget, time, repeats, filter, failed or stopped"`
	Note      string        `json:"note,omitempty" jsonschema:"the same in a sentence, when it ended early"`
	Text      string        `json:"text,omitempty" jsonschema:"what was handed over"`
	Turns     []worker.Turn `json:"turns" jsonschema:"each message of the model, and the tools that it called"`
	Proposals []worker.Call `json:"proposals,omitempty" jsonschema:"calls that a person must decide on"`
	Asked     []runInfo     `json:"asked" jsonschema:"the runs that this one asked for, newest first, at most 100"`
}

type listRunsIn struct {
	Agent  string `json:"agent,omitempty" jsonschema:"only runs of this agent"`
	Limit  int    `json:"limit,omitempty" jsonschema:"how many to return at most; 50 when left out"`
	Cursor string `json:"cursor,omitempty" jsonschema:"the nextCursor of the page before; left out for the first page"`
}

type listRunsOut struct {
	Runs       []runInfo `json:"runs" jsonschema:"newest first"`
	NextCursor string    `json:"nextCursor,omitempty" jsonschema:"the cursor of the next page; not there on the last one"`
}

type getRunIn struct {
	ID storage.RunID `json:"id" jsonschema:"the run's id"`
}

func (a *App) listRunsTool() *agent.Tool {
	return agent.NewTool("list_runs",
		"What the agents did for the customer, newest first: each task, how it ended, how long it took and what it used. Runs are kept for 90 days.",
		func(ctx context.Context, customer storage.CustomerID, in listRunsIn) (listRunsOut, error) {
			runs, next, err := storage.List(in.Limit, in.Cursor,
				func(r storage.Run) string { return string(r.ID) },
				func(page storage.Page) ([]storage.Run, error) {
					return a.Runs.Runs(ctx, customer, storage.RunQuery{Name: in.Agent, Page: page})
				})
			if err != nil {
				return listRunsOut{}, err
			}
			infos, err := infosOf(runs)
			return listRunsOut{infos, next}, err
		},
		&agent.ToolOptions{Title: "List runs", ReadOnly: true, Idempotent: true, Input: func(s *jsonschema.Schema) {
			s.Properties["agent"].MinLength, s.Properties["agent"].MaxLength = new(1), new(64)
			s.Properties["limit"].Minimum, s.Properties["limit"].Maximum = new(1.0), new(float64(storage.MaxLimit))
			s.Properties["cursor"].MinLength, s.Properties["cursor"].MaxLength = new(1), new(512)
		}})
}

func (a *App) getRunTool() *agent.Tool {
	return agent.NewTool("get_run",
		"One run of an agent: the task, each step with the tools it used, what it handed over, and whom it asked.",
		a.getRun,
		&agent.ToolOptions{Title: "Get run", ReadOnly: true, Idempotent: true, Input: func(s *jsonschema.Schema) {
			s.Properties["id"].MinLength, s.Properties["id"].MaxLength = new(1), new(64)
		}})
}

func (a *App) getRun(ctx context.Context, customer storage.CustomerID, in getRunIn) (runDetail, error) {
	r, err := a.Runs.Run(ctx, customer, in.ID)
	if errors.Is(err, storage.ErrNotFound) {
		return runDetail{}, agent.Errorf("there is no such run; list_runs shows those there are")
	}
	if err != nil {
		return runDetail{}, err
	}
	info, record, err := infoOf(r)
	if err != nil {
		return runDetail{}, err
	}
	below, err := a.Runs.Runs(ctx, customer, storage.RunQuery{Parent: r.ID, Page: storage.Page{Limit: storage.MaxLimit}})
	if err != nil {
		return runDetail{}, err
	}
	infos, err := infosOf(below)
	info.Task = record.Task
	return runDetail{
		runInfo: info, Title: record.Title, Model: record.Model, Outcome: string(record.Outcome), Note: record.Note, Text: record.Text,
		Turns: record.Turns, Proposals: record.Proposals, Asked: infos,
	}, err
}

func infosOf(runs []storage.Run) ([]runInfo, error) {
	infos := []runInfo{}
	for _, r := range runs {
		info, _, err := infoOf(r)
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

const listedTask = 200 // characters

func infoOf(r storage.Run) (runInfo, worker.Record, error) {
	var record worker.Record
	if err := json.Unmarshal(r.Data, &record); err != nil {
		return runInfo{}, record, fmt.Errorf("app: run %s: %w", r.ID, err)
	}
	now := time.Now()
	info := runInfo{
		ID: r.ID, Parent: r.Parent, Kind: r.Kind, Name: r.Name, Status: worker.StatusOf(r, now), Task: record.Task,
		Tokens: r.Tokens, Cost: float64(r.Cost) / 1e6, CreatedAt: storage.FormatTime(r.CreatedAt),
	}
	if task := []rune(record.Task); len(task) > listedTask {
		info.Task = string(task[:listedTask]) + "…"
	}
	end := r.EndedAt
	switch {
	case !end.IsZero():
		info.EndedAt = storage.FormatTime(end)
	case info.Status == worker.StatusInterrupted:
		end = r.UpdatedAt
	default:
		end = now
	}
	info.Seconds = end.Sub(r.CreatedAt).Round(time.Millisecond).Seconds()
	return info, record, nil
}

// ReadableText is for models and people.
func (d runDetail) ReadableText() string {
	var w strings.Builder
	fmt.Fprintf(&w, "# %s: %s\n\nTask: %s\n\n", d.Title, d.Status, d.Task)
	if d.Note != "" {
		w.WriteString(d.Note + "\n\n")
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
	for _, asked := range d.Asked {
		fmt.Fprintf(&w, "\nAsked %s, run %s: %s.", asked.Name, asked.ID, asked.Status)
	}
	if d.Text != "" {
		w.WriteString("\n\n## What was handed over\n\n" + d.Text + "\n")
	}
	return w.String()
}
