package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

const listed = 50

// contentStates are those of pieces, as people choose them.
var contentStates = []string{"draft", "approved", "rejected", "revision_requested"}

func (h *Handler) contentList(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	args := map[string]any{"limit": listed}
	state := r.URL.Query().Get("state")
	if state != "" {
		args["state"] = state
	}
	if cursor := r.URL.Query().Get("cursor"); cursor != "" {
		args["cursor"] = cursor
	}
	list, err := h.read(r, v, "list_content", args)
	return reply{page: "content", title: "Content", data: map[string]any{"List": list, "State": state, "States": contentStates}}, err
}

func (h *Handler) contentPiece(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	piece, err := h.piece(r, v, r.PathValue("id"))
	if err != nil {
		return reply{}, err
	}
	title, _ := piece["title"].(string)
	return reply{page: "piece", title: title, data: piece}, nil
}

func (h *Handler) piece(r *http.Request, v visitor, id string) (map[string]any, error) {
	piece, err := h.read(r, v, "get_content", map[string]any{"id": id})
	if err != nil && !errors.Is(err, storage.ErrInvalid) && strings.Contains(err.Error(), "no such piece") || errors.Is(err, storage.ErrInvalid) {
		return nil, storage.ErrNotFound
	}
	return piece, err
}

func (h *Handler) review(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	id := r.PathValue("id")
	piece, err := h.piece(r, v, id)
	if err != nil {
		return reply{}, err
	}
	decision := r.PostForm.Get("decision")
	args := map[string]any{"id": id, "version": piece["version"], "decision": decision, "reviewer": v.customer.Email}
	if note := strings.TrimSpace(r.PostForm.Get("note")); note != "" {
		args["note"] = note
	}
	if r.PostForm.Get("version") != versionText(piece["version"]) {
		return reply{}, storage.Conflict("there is a newer version than the one that you read: look at it first")
	}
	_, err = h.read(r, v, "review_content", args)
	word := map[string]string{"approve": "approved", "reject": "rejected", "revise": "revised"}[decision]
	return reply{to: "/dashboard/content/" + url.PathEscape(id) + "?done=" + word}, err
}

func versionText(v any) string {
	n, _ := v.(float64)
	return strconv.Itoa(int(n))
}

func (h *Handler) decide(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if h.app.Runner == nil {
		return reply{}, storage.ErrNotFound
	}
	_, err := h.app.Decide(r.Context(), v.Customer, r.PathValue("id"), workflow.Answer{
		Decision: workflow.Decision(r.PostForm.Get("decision")), Note: strings.TrimSpace(r.PostForm.Get("note")),
	})
	return reply{to: "/dashboard?done=decided"}, err
}

// runRow is a run as lists show it.
type runRow struct {
	ID, Kind, Name, Title, Status, Now string
	CreatedAt, EndedAt                 time.Time
}

func (h *Handler) runRows(r *http.Request, v visitor, status string, limit int, cursor string) ([]runRow, string, error) {
	runs, next, err := h.app.ListRuns(r.Context(), v.Customer, storage.RunQuery{Kind: runner.Kind, Status: status}, limit, cursor)
	if err != nil {
		return nil, "", err
	}
	rows := []runRow{}
	for _, run := range runs {
		rec, err := runner.RecordOf(run)
		if err != nil {
			return nil, "", err
		}
		row := runRow{ID: string(run.ID), Kind: run.Kind, Name: run.Name, Title: rec.Title, Status: run.Status, CreatedAt: run.CreatedAt, EndedAt: run.EndedAt}
		if h.app.Runner != nil {
			row.Status = h.app.Runner.StatusOf(run, rec)
		}
		if run.EndedAt.IsZero() {
			row.Now = rec.Now()
		}
		rows = append(rows, row)
	}
	return rows, next, nil
}

func (h *Handler) runList(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if h.app.Runs == nil {
		return reply{}, storage.ErrNotFound
	}
	status := r.URL.Query().Get("status")
	rows, next, err := h.runRows(r, v, status, listed, r.URL.Query().Get("cursor"))
	return reply{page: "runs", title: "Workflows", data: map[string]any{"Runs": rows, "Next": next, "Status": status, "States": runner.States}}, err
}

type runView struct {
	ID       string
	Row      runRow
	Record   runner.Record
	Steps    []stepRow
	Approval *app.Approval
	Live     bool
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
	rec, err := runner.RecordOf(run)
	if err != nil {
		return reply{}, err
	}
	d := runView{ID: string(run.ID), Record: rec, Live: run.EndedAt.IsZero(), Row: runRow{
		Name: run.Name, Title: rec.Title, Status: h.app.Runner.StatusOf(run, rec), CreatedAt: run.CreatedAt, EndedAt: run.EndedAt,
	}}
	for _, s := range rec.Steps {
		d.Steps = append(d.Steps, stepRow{s, s.Took(time.Now()).Round(100 * time.Millisecond)})
	}
	if rec.Waiting != nil && rec.Waiting.Kind == runner.WaitingApproval {
		a, err := h.app.Approval(r.Context(), v.Customer, rec.Waiting.ID)
		if err == nil {
			d.Approval = &a
		} else if !errors.Is(err, storage.ErrNotFound) {
			return reply{}, err
		}
	}
	out := reply{page: "run", title: rec.Title, data: d}
	if d.Live && d.Approval == nil {
		out.refresh = 5
	}
	return out, nil
}

func (h *Handler) cancelRun(_ http.ResponseWriter, r *http.Request, v visitor) (reply, error) {
	if h.app.Runner == nil {
		return reply{}, storage.ErrNotFound
	}
	id := r.PathValue("id")
	_, err := h.app.CancelRun(r.Context(), v.Customer, storage.RunID(id))
	return reply{to: "/dashboard/runs/" + url.PathEscape(id) + "?done=cancelled"}, err
}
