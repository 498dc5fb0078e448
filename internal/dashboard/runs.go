package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/storage"
)

// runRow is a run as lists show it.
type runRow struct {
	ID                  storage.RunID
	Name, Title, Status string
	Now                 string // what it does; empty once it has ended
	CreatedAt, EndedAt  time.Time
}

// rowOf reads a run and its record.
func (h *Handler) rowOf(run storage.Run) (runRow, runner.Record, error) {
	rec, err := runner.RecordOf(run)
	if err != nil {
		return runRow{}, rec, err
	}
	row := runRow{run.ID, run.Name, rec.Title, h.app.Runner.StatusOf(run, rec), "", run.CreatedAt, run.EndedAt}
	if run.EndedAt.IsZero() {
		row.Now = rec.Now()
	}
	return row, rec, nil
}

// runRows lists a customer's runs of workflows.
func (h *Handler) runRows(r *http.Request, customer storage.CustomerID, status string, limit int, cursor string) (rows []runRow, next string, err error) {
	runs, next, err := h.app.ListRuns(r.Context(), customer, storage.RunQuery{Kind: runner.Kind, Status: status}, limit, cursor)
	if err != nil {
		return nil, "", err
	}
	for _, run := range runs {
		row, _, err := h.rowOf(run)
		if err != nil {
			return nil, "", err
		}
		rows = append(rows, row)
	}
	return rows, next, nil
}

// runsView is the list of runs.
type runsView struct {
	Runs   []runRow
	Status string
	States []string
}

func (h *Handler) runList(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if h.app.Runner == nil {
		return reply{}, storage.ErrNotFound
	}
	status := r.URL.Query().Get("status")
	rows, older, err := h.runRows(r, v.Customer, status, listed, r.URL.Query().Get("cursor"))
	return reply{page: "runs", title: "Workflows", data: runsView{rows, status, runner.States}, older: older}, err
}

// runView is one run.
type runView struct {
	runRow
	Error    string
	Waits    string // for what: time, signal, approval, work; empty: for nothing
	Steps    []stepRow
	Approval *app.Approval // that it waits for; nil: none
	Live     bool          // it goes on
}

type stepRow struct {
	runner.Step
	Took time.Duration
}

func (h *Handler) runPage(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if h.app.Runner == nil {
		return reply{}, storage.ErrNotFound
	}
	run, err := h.app.Runner.Get(r.Context(), v.Customer, storage.RunID(r.PathValue("id")))
	if err != nil {
		return reply{}, err
	}
	row, rec, err := h.rowOf(run)
	if err != nil {
		return reply{}, err
	}
	d := runView{runRow: row, Error: rec.Error, Live: run.EndedAt.IsZero()}
	for _, s := range rec.Steps {
		d.Steps = append(d.Steps, stepRow{s, s.Took(time.Now()).Round(100 * time.Millisecond)})
	}
	if rec.Waiting != nil {
		d.Waits = rec.Waiting.Kind
	}
	if d.Waits == runner.WaitingApproval {
		a, err := h.app.Approval(r.Context(), v.Customer, rec.Waiting.ID)
		switch {
		case err == nil:
			d.Approval = &a
		case !errors.Is(err, storage.ErrNotFound):
			return reply{}, err
		}
	}
	return reply{page: "run", title: row.Title, data: d}, nil
}

func (h *Handler) cancelRun(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if h.app.Runner == nil {
		return reply{}, storage.ErrNotFound
	}
	id := r.PathValue("id")
	_, err := h.app.CancelRun(r.Context(), v.Customer, storage.RunID(id))
	return reply{to: "/dashboard/runs/" + url.PathEscape(id) + "?done=cancelled"}, err
}
