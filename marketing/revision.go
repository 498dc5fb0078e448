package marketing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/heycmo/heycmo-go/agent"
)

// maxRevisions is how often a piece is sent back to the agent at work that made it.
const maxRevisions = 2

// revision follows what an agent saves in one job, and sends back what is below its
// bar.
type revision struct {
	mu     sync.Mutex
	pieces []*handedIn
}

type handedIn struct {
	savedPiece
	revisions int // that were asked for
}

type revisionKey struct{}

// within returns a context in which pieces that are saved are followed.
func (r *revision) within(ctx context.Context) context.Context {
	return context.WithValue(ctx, revisionKey{}, r)
}

// follow takes note of a piece that was saved.
func follow(ctx context.Context, saved savedPiece) {
	r, ok := ctx.Value(revisionKey{}).(*revision)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.pieces, func(p *handedIn) bool { return p.ID == saved.ID })
	if i < 0 {
		r.pieces = append(r.pieces, &handedIn{savedPiece: saved})
		return
	}
	r.pieces[i].savedPiece = saved
}

// accept is an [agent.Loop]'s Accept: it asks for new versions of what is below its
// bar, at most twice for each piece.
func (r *revision) accept(context.Context, agent.Outcome) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var back strings.Builder
	for _, p := range r.pieces {
		if p.Evaluation.Passed || p.revisions == maxRevisions {
			continue
		}
		p.revisions++
		fmt.Fprintf(&back, "%q is below the bar of %.2f: %s. Write it better and save it with save_content, id %s and version %d.\n", p.Title, p.Evaluation.Bar, p.Evaluation.below(), p.ID, p.Version)
		for _, change := range p.Improve {
			back.WriteString("- " + change + "\n")
		}
	}
	if back.Len() == 0 {
		return nil
	}
	return agent.Errorf("%s", back.String())
}

// notes say what was handed over below its bar.
func (r *revision) notes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var notes []string
	for _, p := range r.pieces {
		if !p.Evaluation.Passed {
			notes = append(notes, fmt.Sprintf("Content %s is handed over below the bar of %.2f after %d requests to revise it: %s.", p.ID, p.Evaluation.Bar, p.revisions, p.Evaluation.below()))
		}
	}
	return notes
}
