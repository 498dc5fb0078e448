package marketing

import (
	"cmp"
	"context"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// decision is what was decided about a version of a piece.
type decision struct {
	Version  int    `json:"version" jsonschema:"number of the version"`
	State    string `json:"state" jsonschema:"what it became: approved, rejected or revision_requested"`
	Note     string `json:"note,omitempty" jsonschema:"why, in the reviewer's words"`
	Reviewer string `json:"reviewer,omitempty" jsonschema:"who decided, as given by the caller"`
	KeyID    string `json:"keyId,omitempty" jsonschema:"id of the API key with which the decision was sent"`
	At       string `json:"at" jsonschema:"when, in UTC"`
}

type reviewIn struct {
	ID       string `json:"id" jsonschema:"the piece's id"`
	Version  int    `json:"version" jsonschema:"number of the version that was read, which must be the newest"`
	Decision string `json:"decision" jsonschema:"approve it, reject it for good, or revise: send it back for a new version"`
	Note     string `json:"note,omitempty" jsonschema:"why, in the reviewer's words; must be there to reject or revise"`
	Reviewer string `json:"reviewer,omitempty" jsonschema:"name or e-mail address of the person who decided"`
}

// outcomes are the states that decisions lead to.
var outcomes = map[string]string{
	"approve": stateApproved,
	"reject":  stateRejected,
	"revise":  stateRevisionRequested,
}

func (t *team) reviewContentTool() *agent.Tool {
	return agent.NewTool("review_content",
		"Records what the customer decided about a draft, once for each version. Call it only with a decision that a person made after seeing this version, never on your own judgement.",
		t.reviewContent,
		// It can't be taken back, so clients should ask their user.
		&agent.ToolOptions{Title: "Review content", Destructive: true, NeedsPerson: true, Input: func(s *jsonschema.Schema) {
			boundText(s, "id", 1, maxID)
			boundNumber(s, "version", 1, maxVersion)
			oneOf(s, "decision", "approve", "reject", "revise")
			boundText(s, "note", 1, 2000)
			boundText(s, "reviewer", 1, 200)
		}})
}

func (t *team) reviewContent(ctx context.Context, customer storage.CustomerID, in reviewIn) (piece, error) {
	p, err := t.review(ctx, customer, in)
	if err != nil {
		return p, err
	}
	// A run that asks about the piece goes on.
	return p, agent.Decided(ctx, subjectOf(in.ID), workflow.Answer{Decision: workflow.Decision(in.Decision), Note: in.Note})
}

func (t *team) review(ctx context.Context, customer storage.CustomerID, in reviewIn) (piece, error) {
	if err := in.check(); err != nil {
		return piece{}, err
	}
	state := outcomes[in.Decision]
	caller, _ := auth.FromContext(ctx)
	var reviewed piece
	err := t.store.InTx(ctx, func(ctx context.Context, tx storage.Store) (err error) {
		reviewed, err = updatePiece(ctx, tx, customer, in.ID, func(data *pieceData, d *storage.Document) error {
			switch {
			case in.Version != data.Version:
				return agent.Errorf("the newest version is %d, not %d; read it with get_content before deciding", data.Version, in.Version)
			case d.Status != stateDraft:
				return agent.Errorf("version %d was decided already: it is %s; save a new version to have it reviewed again", data.Version, d.Status)
			}
			d.Status = state
			data.History = append(data.History, decision{
				Version: in.Version, State: state, Note: in.Note, Reviewer: in.Reviewer, KeyID: string(caller.Key), At: storage.FormatTime(storage.Now()),
			})
			return nil
		})
		if err != nil {
			return err
		}
		return storage.Record(ctx, tx, customer, "content."+state, map[string]any{
			"id": reviewed.ID, "version": reviewed.Version, "type": reviewed.Type, "title": reviewed.Title,
		})
	})
	if err == nil {
		agent.Updated(ctx, contentURI(reviewed.ID))
	}
	return reviewed, unknownPiece(err)
}

// check refuses what the schema can't see.
func (in reviewIn) check() error {
	if in.Note == "" && in.Decision != "approve" {
		return storage.Invalid("note", "given to %s: say why", in.Decision)
	}
	return cmp.Or(checkText("note", in.Note), checkLine("reviewer", in.Reviewer))
}
