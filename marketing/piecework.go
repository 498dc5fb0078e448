package marketing

import (
	"context"
	"errors"
	"fmt"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/workflow"
)

// piecework is a piece of content that a run makes, improves, and has decided on.
type piecework struct {
	step        string // what steps call it, such as "the plan"
	agent, kind string
	// write makes a version: the first one, or one after the text before with what is
	// wanted otherwise.
	write    func(round int, before, wanted string) (work, error)
	question string
	// improve is how often a version below the agent's bar is written again before the
	// customer sees it.
	improve int
}

// maxVersions bounds what a run writes of one piece, whoever wants it again.
const maxVersions = 8

// agreeOnPiece makes the piece until the customer decides, and returns its ID and its
// state. One that nobody decides on in time stays a draft.
func (t *team) agreeOnPiece(c workflow.Context, p piecework) (id, state string, err error) {
	if id, err = newID(c, "name "+p.step); err != nil {
		return "", "", err
	}
	before, wanted, asked := "", "", 0
	for round := range maxVersions {
		w, err := p.write(round, before, wanted)
		if err != nil {
			return id, "", err
		}
		saved, err := step(c, again("save "+p.step, round), func(ctx context.Context) (savedPiece, error) {
			return t.saveVersion(ctx, c, id, round+1, w)
		})
		if err != nil {
			return id, "", err
		}
		if saved.Evaluation != nil && !saved.Evaluation.Passed && p.improve > 0 {
			p.improve--
			before, wanted = w.Body, "It is below the bar: "+saved.Evaluation.below()+". To improve: "+sentences(saved.Improve)
			continue
		}
		a, err := workflow.Ask(c, workflow.Question{
			Name: again("approve "+p.step, asked), Title: p.question, Text: shownPiece(w, saved), Subject: subjectOf(id),
		})
		if err != nil {
			return id, "", err
		}
		asked++
		state, err := step(c, again("record the decision on "+p.step, round), func(ctx context.Context) (string, error) {
			return t.recordDecision(ctx, c.Customer(), id, saved.Version, a)
		})
		if err != nil || state != stateRevisionRequested || asked == maxRounds {
			return id, state, err
		}
		before, wanted = w.Body, a.Note
	}
	return id, stateDraft, nil
}

// subjectOf names a piece for questions about it.
func subjectOf(id string) string { return "content/" + id }

// shownPiece is the piece as the customer sees it with a question.
func shownPiece(w work, saved savedPiece) string {
	text := fmt.Sprintf("# %s\n\n%s\n", w.Title, w.Body)
	if e := saved.Evaluation; e != nil && !e.Passed {
		text += "\nBelow the bar: " + e.below() + ".\n"
	}
	return text
}

// revising and revisingData tell a writer about the version before.
func revising(before, wanted string) string {
	if wanted == "" && before == "" {
		return ""
	}
	return " There is a version before it, which the customer or an evaluation wants changed: both are given below. Change what is wanted and leave the rest."
}

func revisingData(before, wanted string) string {
	if wanted == "" && before == "" {
		return ""
	}
	return fmt.Sprintf("\n\nwanted:\n%s\n\nthe version before:\n%s", wanted, before)
}

// saveVersion saves a version of a piece of a run, once.
func (t *team) saveVersion(ctx context.Context, c workflow.Context, id string, number int, w work) (savedPiece, error) {
	w.Title, w.Body = cutRunes(oneLine(w.Title), maxTitle), cutRunes(clean(w.Body), maxBody)
	in := saveContentIn{work: w}
	if number > 1 {
		in.ID, in.Version = id, number-1
	}
	saved, err := t.save(ctx, c.Customer(), in, origin{ID: id, RunID: c.RunID()})
	if err == nil {
		return saved, nil
	}
	// The step may have been done before the process died.
	p, found := loadPiece(ctx, t.store, c.Customer(), id, number)
	if found == nil && p.Version == number {
		return savedPiece{p.piece, p.findings}, nil
	}
	return savedPiece{}, final(err)
}

// recordDecision brings the answer to a question about a version into the piece, unless
// it came from there.
func (t *team) recordDecision(ctx context.Context, customer storage.CustomerID, id string, version int, a workflow.Answer) (string, error) {
	if a.Decision == workflow.DecisionExpired {
		return stateDraft, nil
	}
	note := a.Note
	if note == "" && a.Decision != workflow.DecisionApprove {
		note = "no reason was given"
	}
	p, err := t.review(ctx, customer, reviewIn{ID: id, Version: version, Decision: string(a.Decision), Note: cutRunes(note, 2000), Reviewer: "the customer"})
	if err == nil {
		return p.State, nil
	}
	d, found := t.store.Document(ctx, customer, contentKind, id)
	if found == nil && d.Status != stateDraft {
		return d.Status, nil // it was decided by review_content
	}
	if errors.Is(err, storage.ErrNotFound) {
		return "", workflow.Permanent(agent.Errorf("the piece is gone"))
	}
	return "", err
}
