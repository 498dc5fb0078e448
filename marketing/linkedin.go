package marketing

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

// What is done on LinkedIn to other people is done by the customer's own browser, never by
// the host: it drafts, the customer approves, and their browser pulls.
const linkedInKind = "linkedin_action"

// The states of actions.
const (
	actionDraft    = "draft"
	actionReady    = "ready"  // the customer approved it
	actionHanded   = "handed" // the browser has it
	actionSent     = "sent"
	actionFailed   = "failed"
	actionSkipped  = "skipped"
	actionRejected = "rejected"
	actionExpired  = "expired"
)

const actionLife = 7 * 24 * time.Hour

// actionRules are what an account can do in 24 hours without standing out, and how long
// its texts may be.
var actionRules = map[string]struct {
	daily, length int
	text          bool // must be there
}{
	"connection_request": {15, 280, false},
	"message":            {30, 2000, true},
	"comment":            {50, 1000, true},
}

// linkedInAction is the data of an action.
type linkedInAction struct {
	ID      string `json:"id" jsonschema:"its id"`
	Action  string `json:"action" jsonschema:"connection_request, message or comment"`
	Target  string `json:"targetUrl" jsonschema:"the profile, post or article"`
	Text    string `json:"text,omitempty" jsonschema:"what to write"`
	State   string `json:"state" jsonschema:"draft, ready (approved), handed (the browser has it), sent, failed, skipped, rejected or expired"`
	Reason  string `json:"reason,omitempty" jsonschema:"why it failed or was skipped"`
	Created string `json:"createdAt" jsonschema:"when it was drafted, in UTC"`
	Expires string `json:"expiresAt" jsonschema:"until when it can be done, in UTC"`
}

type draftActionIn struct {
	Action string `json:"action" jsonschema:"connection_request (with a note of at most 280 characters, or none), message (to somebody who is connected, at most 2,000) or comment (at most 1,000)"`
	Target string `json:"targetUrl" jsonschema:"https://www.linkedin.com/in/NAME for a request or a message, the address of a post or an article for a comment"`
	Text   string `json:"text,omitempty" jsonschema:"what to write, exactly as it will stand there"`
}

type reviewActionIn struct {
	ID       string `json:"id" jsonschema:"the action's id"`
	Decision string `json:"decision" jsonschema:"what the customer decided: approve or reject"`
}

type listActionsIn struct {
	State string `json:"state,omitempty" jsonschema:"only those in this state"`
	paging
}

type listActionsOut struct {
	Actions    []linkedInAction `json:"actions" jsonschema:"newest first"`
	NextCursor string           `json:"nextCursor,omitempty" jsonschema:"the cursor of the next page; not there on the last one"`
}

func (t *team) linkedInTools() []*agent.Tool {
	return []*agent.Tool{
		agent.NewTool("draft_linkedin_action", "Drafts something for the customer to do on LinkedIn to another person: a connection request, a message or a comment. Their own browser does it, once they have approved it, within daily caps. It expires after 7 days.",
			t.draftAction, &agent.ToolOptions{Title: "Draft LinkedIn action", Input: func(s *jsonschema.Schema) {
				oneOf(s, "action", "connection_request", "message", "comment")
				boundText(s, "targetUrl", 1, 500)
				boundText(s, "text", 1, 2000)
			}}),
		agent.NewTool("review_linkedin_action", "Records what the customer decided about a draft for LinkedIn. Call it only with their decision.",
			t.reviewAction, &agent.ToolOptions{Title: "Review LinkedIn action", NeedsPerson: true, Input: func(s *jsonschema.Schema) {
				boundText(s, "id", 1, maxID)
				oneOf(s, "decision", "approve", "reject")
			}}),
		agent.NewTool("list_linkedin_actions", "What was drafted for LinkedIn, and what became of it.",
			func(ctx context.Context, customer storage.CustomerID, in listActionsIn) (listActionsOut, error) {
				list, next, err := storage.List(in.Limit, in.Cursor,
					func(a linkedInAction) string { return a.ID },
					func(page storage.Page) ([]linkedInAction, error) { return t.actions(ctx, customer, in.State, page) })
				return listActionsOut{append([]linkedInAction{}, list...), next}, err
			}, &agent.ToolOptions{Title: "List LinkedIn actions", ReadOnly: true, Idempotent: true, Input: func(s *jsonschema.Schema) {
				oneOf(s, "state", actionDraft, actionReady, actionHanded, actionSent, actionFailed, actionSkipped, actionRejected, actionExpired)
				boundPaging(s)
			}}),
	}
}

var profilePath = regexp.MustCompile(`^/in/[\p{L}\p{N}%_-]{1,100}/?$`)

// checkAction says what is wrong with an action.
func checkAction(in draftActionIn) error {
	rules := actionRules[in.Action]
	if err := errors.Join(checkText("text", in.Text), checkLine("targetUrl", in.Target)); err != nil {
		return err
	}
	u, err := url.Parse(in.Target)
	linkedIn := err == nil && u.Scheme == "https" && u.User == nil && u.Port() == "" && (u.Host == "www.linkedin.com" || u.Host == "linkedin.com")
	switch {
	case !linkedIn || in.Action != "comment" && !profilePath.MatchString(u.Path):
		if in.Action == "comment" {
			return storage.Invalid("targetUrl", "an address that begins with https://www.linkedin.com/")
		}
		return storage.Invalid("targetUrl", "a profile such as https://www.linkedin.com/in/ada")
	case rules.text && in.Text == "":
		return storage.Invalid("text", "there for a %s", in.Action)
	case utf8.RuneCountInString(in.Text) > rules.length:
		return storage.Invalid("text", "a text of at most %d characters for a %s", rules.length, in.Action)
	}
	return nil
}

func (t *team) draftAction(ctx context.Context, customer storage.CustomerID, in draftActionIn) (linkedInAction, error) {
	if err := checkAction(in); err != nil {
		return linkedInAction{}, err
	}
	now := t.now()
	a := linkedInAction{
		ID: storage.NewID(), Action: in.Action, Target: in.Target, Text: in.Text, State: actionDraft,
		Created: storage.FormatTime(now), Expires: storage.FormatTime(now.Add(actionLife)),
	}
	return a, t.keep(ctx, customer, linkedInKind, a.ID, a.State, now, a, "outreach.drafted", map[string]any{"id": a.ID, "action": a.Action})
}

func actionOf(d storage.Document) (linkedInAction, error) {
	a, err := decode[linkedInAction](d.Data)
	a.State = d.Status
	return a, err
}

func (t *team) actions(ctx context.Context, customer storage.CustomerID, state string, page storage.Page) ([]linkedInAction, error) {
	list, err := t.store.Documents(ctx, customer, storage.DocumentQuery{Kind: linkedInKind, Status: state, Page: page})
	if err != nil {
		return nil, err
	}
	var all []linkedInAction
	for _, d := range list {
		a, err := actionOf(d)
		if err != nil {
			return nil, err
		}
		if t.isOver(a) {
			a.State = actionExpired
		}
		all = append(all, a)
	}
	return all, nil
}

// isOver reports whether an action can no longer be done.
func (t *team) isOver(a linkedInAction) bool {
	until, err := time.Parse(time.RFC3339, a.Expires)
	open := a.State == actionDraft || a.State == actionReady || a.State == actionHanded
	return open && err == nil && !t.now().Before(until)
}

// changeAction gets an action from one state into another.
func (t *team) changeAction(ctx context.Context, tx storage.Store, customer storage.CustomerID, id string, change func(a *linkedInAction) error) (linkedInAction, error) {
	var after linkedInAction
	_, err := tx.UpdateDocument(ctx, customer, linkedInKind, id, func(d *storage.Document) error {
		a, err := actionOf(*d)
		if err != nil {
			return err
		}
		if t.isOver(a) {
			return storage.Conflict("this has expired: what is not done within 7 days is drafted anew")
		}
		if err := change(&a); err != nil {
			return err
		}
		after = a
		d.Status, d.UpdatedAt = a.State, t.now()
		d.Data, err = encode(a)
		return err
	})
	return after, err
}

func (t *team) reviewAction(ctx context.Context, customer storage.CustomerID, in reviewActionIn) (linkedInAction, error) {
	var after linkedInAction
	err := t.store.InTx(ctx, func(ctx context.Context, tx storage.Store) (err error) {
		after, err = t.changeAction(ctx, tx, customer, in.ID, func(a *linkedInAction) error {
			if a.State != actionDraft {
				return storage.Conflict("this was decided already: it is %s", a.State)
			}
			if a.State = actionReady; in.Decision == "reject" {
				a.State = actionRejected
			}
			return nil
		})
		if err != nil {
			return err
		}
		return storage.Record(ctx, tx, customer, "outreach."+after.State, map[string]any{"id": after.ID, "action": after.Action})
	})
	if errors.Is(err, storage.ErrNotFound) {
		err = agent.Errorf("there is no such action; list_linkedin_actions shows those there are")
	}
	return after, err
}

// linkedInQueue hands actions to the customer's browser.
type linkedInQueue struct{ *team }

var _ agent.Queue = linkedInQueue{}

// Pull implements [agent.Queue]. It hands out what the caps allow, the oldest first, and
// shows what the browser has.
func (q linkedInQueue) Pull(ctx context.Context, customer storage.CustomerID, limit int, cursor string) ([]agent.Task, string, error) {
	if err := q.handOut(ctx, customer); err != nil {
		return nil, "", err
	}
	list, next, err := storage.List(limit, cursor,
		func(a linkedInAction) string { return a.ID },
		func(page storage.Page) ([]linkedInAction, error) {
			all, err := q.actions(ctx, customer, actionHanded, page)
			return all, err
		})
	var tasks []agent.Task
	for _, a := range list {
		if a.State == actionHanded {
			tasks = append(tasks, taskOf(a))
		}
	}
	return tasks, next, err
}

func (q linkedInQueue) handOut(ctx context.Context, customer storage.CustomerID) error {
	var ready []linkedInAction
	page := storage.Page{Limit: storage.MaxLimit}
	for {
		list, err := q.actions(ctx, customer, actionReady, page)
		if err != nil {
			return err
		}
		ready = append(ready, list...)
		if len(list) < page.Limit {
			break
		}
		page.Before = list[len(list)-1].ID
	}
	full := map[string]bool{}
	for _, a := range slices.Backward(ready) {
		if a.State != actionReady || full[a.Action] {
			continue
		}
		err := q.store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
			may, err := q.take(ctx, tx, customer, "linkedin."+a.Action, actionRules[a.Action].daily)
			if err != nil {
				return err
			}
			if full[a.Action] = !may; !may {
				return nil
			}
			_, err = q.changeAction(ctx, tx, customer, a.ID, func(a *linkedInAction) error {
				if a.State != actionReady {
					return errEnough // another pull was faster
				}
				a.State = actionHanded
				return nil
			})
			return err
		})
		if err != nil && !errors.Is(err, errEnough) && !errors.Is(err, storage.ErrConflict) {
			return err
		}
	}
	return nil
}

// Task implements [agent.Queue].
func (q linkedInQueue) Task(ctx context.Context, customer storage.CustomerID, id string) (agent.Task, error) {
	d, err := q.store.Document(ctx, customer, linkedInKind, id)
	if err != nil {
		return agent.Task{}, err
	}
	a, err := actionOf(d)
	switch a.State {
	case actionHanded, actionSent, actionFailed, actionSkipped:
		return taskOf(a), err
	}
	return agent.Task{}, errors.Join(err, storage.ErrNotFound)
}

// Report implements [agent.Queue].
func (q linkedInQueue) Report(ctx context.Context, customer storage.CustomerID, id, status, reason string) (agent.Task, error) {
	if status != actionSent && status != actionFailed && status != actionSkipped {
		return agent.Task{}, storage.Invalid("status", "sent, failed or skipped")
	}
	if utf8.RuneCountInString(reason) > 1000 {
		return agent.Task{}, storage.Invalid("error", "a text of at most 1000 characters")
	}
	var after linkedInAction
	err := q.store.InTx(ctx, func(ctx context.Context, tx storage.Store) (err error) {
		same := false
		after, err = q.changeAction(ctx, tx, customer, id, func(a *linkedInAction) error {
			if same = a.State == status; same {
				return nil // it was reported before
			}
			if a.State != actionHanded {
				return storage.Conflict("this was not handed out: it is %s", a.State)
			}
			a.State, a.Reason = status, cut(clean(reason), 1000)
			return nil
		})
		if err != nil || same {
			return err
		}
		if status == actionSkipped { // nothing was done
			if err := q.giveBack(ctx, tx, customer, "linkedin."+after.Action); err != nil {
				return err
			}
		}
		return storage.Record(ctx, tx, customer, "outreach."+status, map[string]any{"id": after.ID, "action": after.Action})
	})
	return taskOf(after), err
}

func taskOf(a linkedInAction) agent.Task {
	created, _ := time.Parse(time.RFC3339, a.Created) // we wrote them
	expires, _ := time.Parse(time.RFC3339, a.Expires)
	status := a.State
	if status == actionHanded {
		status = actionReady
	}
	return agent.Task{ID: a.ID, Action: a.Action, Target: a.Target, Text: a.Text, Status: status, CreatedAt: created, ExpiresAt: expires}
}
