package marketing

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/google/uuid"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/marketing/measure"
	"github.com/heycmo/heycmo-go/storage"
)

// A piece of content is a document that lists can show, whose ID is a UUIDv7 and
// whose status is the piece's state. The text of each of its versions is a
// document of its own that never changes; its ID is that of the piece, "." and
// the version's number.
const (
	contentKind = "content"
	versionKind = "content_version"
)

// The states of a piece.
const (
	stateDraft             = "draft"
	stateApproved          = "approved"
	stateRejected          = "rejected"
	stateRevisionRequested = "revision_requested"
)

var states = []string{stateDraft, stateApproved, stateRejected, stateRevisionRequested}

// pieceData is the data of a piece's document.
type pieceData struct {
	Agent    string          `json:"agent"`
	Type     string          `json:"type"`
	Title    string          `json:"title"`
	Channel  string          `json:"channel,omitempty"`
	Version  int             `json:"version"`
	Measures *measure.Values `json:"measures,omitempty"`
	History  []decision      `json:"history,omitempty"`

	Evaluation *evaluation `json:"evaluation,omitempty"`

	RunID string `json:"runId,omitempty"` // of the run that made it
	// Edited says that a client of the customer saved a version of what others made.
	Edited bool `json:"edited,omitempty"`
}

// work is what save_content takes of a version.
type work struct {
	Agent   string            `json:"agent" jsonschema:"id of the agent whose work it is"`
	Type    string            `json:"type" jsonschema:"what it is, in lower-case letters, digits, _ or -: article, social_post, email, plan or another word, as the brief's output form says"`
	Title   string            `json:"title" jsonschema:"its title, or what to call it"`
	Body    string            `json:"body" jsonschema:"the whole text, in Markdown"`
	Channel string            `json:"channel,omitempty" jsonschema:"where it is meant to appear, such as blog, linkedin or newsletter"`
	Meta    map[string]string `json:"meta,omitempty" jsonschema:"what belongs to it and is not in the text, such as description, slug, subject or preheader: at most 20 entries with names of at most 40 and values of at most 2,000 characters"`

	Keywords []string `json:"keywords,omitempty" jsonschema:"what the piece should be found for, the most important first; when left out, an article, page or post is measured by the brand's keywords"`
}

// piece is what lists show of a piece.
type piece struct {
	ID        string `json:"id" jsonschema:"the piece's id"`
	Agent     string `json:"agent" jsonschema:"id of the agent whose work it is"`
	Type      string `json:"type" jsonschema:"what it is, such as article or social_post"`
	Title     string `json:"title" jsonschema:"its title"`
	Channel   string `json:"channel,omitempty" jsonschema:"where it is meant to appear"`
	State     string `json:"state" jsonschema:"draft, approved, rejected or revision_requested"`
	Version   int    `json:"version" jsonschema:"number of the newest version, from 1 up"`
	CreatedAt string `json:"createdAt" jsonschema:"when the first version was saved, in UTC"`
	UpdatedAt string `json:"updatedAt" jsonschema:"when it was last saved or reviewed, in UTC"`

	Measures *measure.Values `json:"measures,omitempty" jsonschema:"figures of the text from 0 to 1; what could not be taken is not there"`

	Evaluation *evaluation `json:"evaluation,omitempty" jsonschema:"the scores that count, against the agent's bar"`
}

type fullPiece struct {
	piece
	findings
	ShownVersion int               `json:"shownVersion" jsonschema:"number of the version that title, channel, body, meta, keywords and measures are of"`
	Body         string            `json:"body" jsonschema:"the whole text, in Markdown"`
	Meta         map[string]string `json:"meta,omitempty" jsonschema:"what belongs to it and is not in the text"`
	Keywords     []string          `json:"keywords,omitempty" jsonschema:"what it should be found for"`
	RunID        string            `json:"runId,omitempty" jsonschema:"id of the run that made it"`
	HumanEdited  bool              `json:"humanEdited,omitempty" jsonschema:"whether the customer's client saved a version of what agents made"`
	Footer       string            `json:"footer,omitempty" jsonschema:"of an approved piece: what to publish with it, on who made and approved it"`
	History      []decision        `json:"history" jsonschema:"what was decided about its versions, oldest first"`
}

type listContentIn struct {
	State string `json:"state,omitempty" jsonschema:"only pieces in this state"`
	Type  string `json:"type,omitempty" jsonschema:"only pieces of this type, such as article"`
	paging
}

type listContentOut struct {
	Pieces     []piece `json:"pieces" jsonschema:"newest first, without their texts"`
	NextCursor string  `json:"nextCursor,omitempty" jsonschema:"the cursor of the next page; not there on the last one"`
}

type getContentIn struct {
	ID      string `json:"id" jsonschema:"the piece's id"`
	Version int    `json:"version,omitempty" jsonschema:"number of an earlier version; the newest when left out"`
}

func (t *team) listContentTool() *agent.Tool {
	return agent.NewTool("list_content",
		"The customer's pieces of content, newest first, without their texts, with the figures of their measures. Drafts are waiting for a decision.",
		t.listContent,
		&agent.ToolOptions{Title: "List content", ReadOnly: true, Idempotent: true, Input: func(s *jsonschema.Schema) {
			oneOf(s, "state", states...)
			boundText(s, "type", 1, maxType)
			boundPaging(s)
		}})
}

func (t *team) listContent(ctx context.Context, customer storage.CustomerID, in listContentIn) (listContentOut, error) {
	pieces, next, err := storage.List(in.Limit, in.Cursor,
		func(p piece) string { return p.ID },
		func(page storage.Page) ([]piece, error) {
			return piecesOf(ctx, t.store, customer, in.State, page, func(p piece) bool { return in.Type == "" || p.Type == in.Type })
		})
	if err != nil {
		return listContentOut{}, err
	}
	return listContentOut{Pieces: pieces, NextCursor: next}, nil
}

// piecesOf returns a page of the pieces in the state, or in any when it is
// empty, that are wanted.
func piecesOf(ctx context.Context, store storage.Documents, customer storage.CustomerID, state string, page storage.Page, wanted func(piece) bool) ([]piece, error) {
	pieces := []piece{}
	q := storage.DocumentQuery{Kind: contentKind, Status: state, Page: storage.Page{Limit: storage.MaxLimit, Before: page.Before}}
	for {
		documents, err := store.Documents(ctx, customer, q)
		if err != nil {
			return nil, err
		}
		for _, d := range documents {
			p, _, err := pieceOf(d)
			if err != nil {
				return nil, err
			}
			if wanted(p) {
				pieces = append(pieces, p)
			}
			if len(pieces) == page.Limit {
				return pieces, nil
			}
			q.Before = d.ID
		}
		if len(documents) < q.Limit {
			return pieces, nil
		}
	}
}

func (t *team) getContentTool() *agent.Tool {
	return agent.NewTool("get_content",
		"One piece of content with its whole text, its measures with what to improve, and what was decided about it.",
		func(ctx context.Context, customer storage.CustomerID, in getContentIn) (fullPiece, error) {
			p, err := loadPiece(ctx, t.store, customer, in.ID, in.Version)
			if err == nil {
				p.Footer = t.footer(p)
			}
			return p, unknownPiece(err)
		},
		&agent.ToolOptions{Title: "Get content", ReadOnly: true, Idempotent: true, Input: func(s *jsonschema.Schema) {
			boundText(s, "id", 1, maxID)
			boundNumber(s, "version", 1, maxVersion)
		}})
}

// loadPiece returns a piece with the text of a version, the newest for 0, or
// ErrNotFound.
func loadPiece(ctx context.Context, store storage.Documents, customer storage.CustomerID, id string, number int) (fullPiece, error) {
	if uuid.Validate(id) != nil {
		return fullPiece{}, storage.ErrNotFound
	}
	d, err := store.Document(ctx, customer, contentKind, id)
	if err != nil {
		return fullPiece{}, err
	}
	p, data, err := pieceOf(d)
	if err != nil {
		return fullPiece{}, err
	}
	if number == 0 {
		number = p.Version
	}
	d, err = store.Document(ctx, customer, versionKind, versionID(id, number))
	if err != nil {
		return fullPiece{}, err
	}
	v, err := decode[version](d.Data)
	if err != nil {
		return fullPiece{}, err
	}
	p.Agent, p.Type, p.Title, p.Channel, p.Measures, p.Evaluation = v.Agent, v.Type, v.Title, v.Channel, valuesOf(v.Measures), v.Evaluation
	return fullPiece{
		piece: p, findings: findingsOf(v), ShownVersion: number, Body: v.Body, Meta: v.Meta, Keywords: v.Keywords,
		RunID: data.RunID, HumanEdited: data.Edited,
		History: append([]decision{}, data.History...),
	}, nil
}

func versionID(id string, version int) string { return fmt.Sprintf("%s.%d", id, version) }

func pieceOf(d storage.Document) (piece, pieceData, error) {
	data, err := decode[pieceData](d.Data)
	return piece{
		ID:        d.ID,
		Agent:     data.Agent,
		Type:      data.Type,
		Title:     data.Title,
		Channel:   data.Channel,
		State:     d.Status,
		Version:   data.Version,
		CreatedAt: storage.FormatTime(d.CreatedAt),
		UpdatedAt: storage.FormatTime(d.UpdatedAt),
		Measures:  data.Measures,

		Evaluation: data.Evaluation,
	}, data, err
}

// unknownPiece is what the caller of a tool sees of ErrNotFound.
func unknownPiece(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return agent.Errorf("there is no such piece, or not in that version; list_content shows those there are")
	}
	return err
}

// updatePiece lets change alter a piece's data, and returns the piece with its
// new state, or ErrNotFound.
func updatePiece(ctx context.Context, tx storage.Documents, customer storage.CustomerID, id string, change func(*pieceData, *storage.Document) error) (piece, error) {
	if uuid.Validate(id) != nil {
		return piece{}, storage.ErrNotFound
	}
	d, err := tx.UpdateDocument(ctx, customer, contentKind, id, func(d *storage.Document) error {
		data, err := decode[pieceData](d.Data)
		if err != nil {
			return err
		}
		if err := change(&data, d); err != nil {
			return err
		}
		d.UpdatedAt = storage.Now()
		d.Data, err = encode(data)
		return err
	})
	if err != nil {
		return piece{}, err
	}
	p, _, err := pieceOf(d)
	return p, err
}
