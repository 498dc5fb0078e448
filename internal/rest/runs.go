package rest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/httpx"
	"github.com/heycmo/heycmo-go/internal/runner"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// running is handle on a host that runs workflows.
func (f *face) running(part string, h handle) handle {
	return func(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
		if f.app.Runner == nil {
			return missing(part)(w, r, p)
		}
		return h(w, r, p)
	}
}

func (f *face) onboard(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	if f.app.Runner.Onboarding() == nil {
		return missing("onboarding")(w, r, p)
	}
	body, err := httpx.DecodeJSON[NewOnboarding](w, r, maxBody)
	if err != nil {
		return err
	}
	input, err := json.Marshal(body)
	if err != nil {
		return err
	}
	run, begun, err := f.app.Onboard(r.Context(), p.Customer, input)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if begun {
		status = http.StatusAccepted
	}
	httpx.JSON(w, status, StartedRun{RunID: string(run.ID), Status: RunStatus(run.Status)})
	return nil
}

func (f *face) runs(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	q, limit, cursor, err := page(r, "workflow", "status")
	if err != nil {
		return err
	}
	status := q.Get("status")
	if status != "" && !slices.Contains(runner.States, status) {
		return storage.Invalid("status", "one of %s", strings.Join(runner.States, ", "))
	}
	runs, next, err := f.app.ListRuns(r.Context(), p.Customer,
		storage.RunQuery{Kind: runner.Kind, Name: q.Get("workflow"), Status: status}, limit, cursor)
	if err != nil {
		return err
	}
	list := RunList{Runs: []Run{}, NextCursor: next}
	for _, one := range runs {
		shown, err := f.runOf(one, false)
		if err != nil {
			return err
		}
		list.Runs = append(list.Runs, shown)
	}
	httpx.JSON(w, http.StatusOK, list)
	return nil
}

func (f *face) run(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	run, err := f.app.Runner.Get(r.Context(), p.Customer, storage.RunID(r.PathValue("runId")))
	return f.showRun(w, run, err)
}

func (f *face) cancelRun(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	id := storage.RunID(r.PathValue("runId"))
	if _, err := f.app.Runner.Get(r.Context(), p.Customer, id); err != nil {
		return err
	}
	if err := noBody(w, r); err != nil {
		return err
	}
	run, err := f.app.CancelRun(r.Context(), p.Customer, id)
	return f.showRun(w, run, err)
}

func (f *face) showRun(w http.ResponseWriter, run storage.Run, err error) error {
	if err != nil {
		return err
	}
	shown, err := f.runOf(run, true)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, shown)
	return nil
}

// runOf returns the run as clients see it, with its particulars where they are wanted.
func (f *face) runOf(r storage.Run, whole bool) (Run, error) {
	rec, err := runner.RecordOf(r)
	if err != nil {
		return Run{}, err
	}
	shown := Run{
		ID: string(r.ID), Workflow: r.Name, Title: rec.Title, Status: RunStatus(f.app.Runner.StatusOf(r, rec)), Error: rec.Error,
		CreatedAt: app.Time{Time: r.CreatedAt}, UpdatedAt: app.Time{Time: r.UpdatedAt}, FinishedAt: app.Time{Time: r.EndedAt},
	}
	if rec.Waiting != nil {
		shown.Waiting = RunWaiting{Kind: RunWaitingKind(rec.Waiting.Kind), ID: rec.Waiting.ID, Title: rec.Waiting.Title}
	}
	if !whole {
		return shown, nil
	}
	for _, s := range rec.Steps {
		shown.Steps = append(shown.Steps, RunStep{
			Name: s.Name, Status: RunStepStatus(s.Status), Attempts: s.Attempts, StartedAt: app.Time{Time: s.StartedAt},
			Ms: s.Took(time.Now()).Milliseconds(), Error: s.Error, Message: s.Message,
		})
	}
	shown.Input, shown.Output = rec.Input, rec.Output
	return shown, nil
}

func (f *face) approvals(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	q, limit, cursor, err := page(r, "status")
	if err != nil {
		return err
	}
	approvals, next, err := f.app.Approvals(r.Context(), p.Customer, q.Get("status"), limit, cursor)
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, ApprovalList{Approvals: each(approvals, approvalOf), NextCursor: next})
	return nil
}

func (f *face) decide(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	id := r.PathValue("approvalId")
	if _, err := f.app.Approval(r.Context(), p.Customer, id); err != nil {
		return err
	}
	body, err := httpx.DecodeJSON[Decision](w, r, maxBody)
	if err != nil {
		return err
	}
	decided, err := f.app.Decide(r.Context(), p.Customer, id, workflow.Answer{Decision: workflow.Decision(body.Decision), Note: body.Note})
	if err != nil {
		return err
	}
	httpx.JSON(w, http.StatusOK, approvalOf(decided))
	return nil
}

func approvalOf(a app.Approval) Approval {
	return Approval{
		ID: a.ID, RunID: string(a.RunID), Workflow: a.Workflow, Title: a.Title, Content: a.Text, Subject: a.Subject,
		Status: ApprovalStatus(a.Status), Note: a.Note,
		CreatedAt: app.Time{Time: a.CreatedAt}, ExpiresAt: app.Time{Time: a.Expires}, DecidedAt: app.Time{Time: a.DecidedAt},
	}
}

// inngest is the endpoint of an engine that has one. Without it, all there is to say is
// that there are no functions.
func (f *face) inngest(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	switch {
	case f.app.Inngest != nil:
		f.app.Inngest.ServeHTTP(w, r)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		httpx.JSON(w, http.StatusOK, map[string]any{"function_count": 0, "has_event_key": false, "has_signing_key": false, "mode": "cloud"})
	default:
		return missing("Inngest")(w, r, p)
	}
	return nil
}
