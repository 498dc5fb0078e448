package marketing

import (
	"cmp"
	"context"
	"regexp"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/internal/plain"
	"github.com/heycmo/heycmo-go/memory"
	"github.com/heycmo/heycmo-go/storage"
)

// How much a piece may hold, in characters.
const (
	maxID        = 64
	maxType      = 40
	maxTitle     = 200
	maxBody      = 50_000
	maxChannel   = 40
	maxMeta      = 20 // entries
	maxMetaName  = 40
	maxMetaValue = 2000
	maxKeywords  = 10
	maxKeyword   = 100
	maxVersion   = 1_000_000
)

var typePattern = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

type saveContentIn struct {
	work
	ID      string `json:"id,omitempty" jsonschema:"id of the piece of which this is a new version; left out for a new piece"`
	Version int    `json:"version,omitempty" jsonschema:"with id, and only then: number of the version that this one follows, as get_content showed it"`
}

// savedPiece is a piece with what was found in the version just saved.
type savedPiece struct {
	piece
	findings
}

func (t *team) saveContentTool() *agent.Tool {
	return agent.NewTool("save_content",
		"Saves finished work as a new piece of content, or, with id and version, as a new version of a piece, which takes the place of all of it. Earlier versions stay. What is saved is a draft until review_content decides about it. The result has measures of the text and what to improve: follow what makes the text better for its reader, save that as a new version, and leave the rest.",
		t.saveContent,
		&agent.ToolOptions{Title: "Save content", Input: func(s *jsonschema.Schema) {
			oneOf(s, "agent", t.ids()...)
			boundText(s, "type", 1, maxType)
			boundText(s, "title", 1, maxTitle)
			boundText(s, "body", 1, maxBody)
			boundText(s, "channel", 1, maxChannel)
			boundList(s, "keywords", maxKeywords, maxKeyword)
			boundText(s, "id", 1, maxID)
			boundNumber(s, "version", 1, maxVersion)
			s.Properties["meta"].AdditionalProperties.MaxLength = new(maxMetaValue)
		}})
}

func (t *team) saveContent(ctx context.Context, customer storage.CustomerID, in saveContentIn) (savedPiece, error) {
	return t.save(ctx, customer, in, origin{ID: storage.NewID()})
}

// origin is where a new piece comes from.
type origin struct {
	ID    string // for a new piece
	RunID string // of the run that made it; may be empty
}

func (t *team) save(ctx context.Context, customer storage.CustomerID, in saveContentIn, from origin) (savedPiece, error) {
	if err := in.check(); err != nil {
		return savedPiece{}, err
	}
	if (in.ID == "") != (in.Version == 0) {
		return savedPiece{}, agent.Errorf("id and version go together: give both to save a new version of a piece, none to save a new piece")
	}
	if w, ok := agent.WorkingFrom(ctx); ok {
		in.Body = plain.WithoutImages(in.Body, w.Given)
	} else if from.RunID != "" {
		in.Body = plain.WithoutImages(in.Body, func(string) bool { return false })
	}
	_, working := agent.WorkingFrom(ctx)
	found, err := t.assess(ctx, customer, in.ID, in.work, working || from.RunID != "")
	if err != nil {
		return savedPiece{}, err
	}
	v := version{in.work, found.measures, &found.evaluation, found.improve}
	data, err := encode(v)
	if err != nil {
		return savedPiece{}, err
	}
	var text memory.Text
	if t.memory != nil {
		text = t.memory.Prepare(ctx, in.Title, in.Body)
	}
	saved := savedPiece{findings: findingsOf(v)}
	err = t.store.InTx(ctx, func(ctx context.Context, tx storage.Store) (err error) {
		if in.ID == "" {
			saved.piece, err = createPiece(ctx, tx, customer, v, from)
		} else {
			saved.piece, err = revisePiece(ctx, tx, customer, in, v, !working && from.RunID == "")
		}
		if err != nil {
			return err
		}
		now := storage.Now()
		err = tx.CreateDocument(ctx, storage.Document{
			CustomerID: customer, Kind: versionKind, ID: versionID(saved.ID, saved.Version), Data: data, CreatedAt: now, UpdatedAt: now,
		})
		if err == nil && t.memory != nil {
			err = text.Index(ctx, tx, customer, saved.ID)
		}
		if err != nil {
			return err
		}
		return storage.Record(ctx, tx, customer, "content.saved", map[string]any{
			"id": saved.ID, "version": saved.Version, "agent": saved.Agent, "type": saved.Type, "title": saved.Title,
		})
	})
	if err == nil {
		agent.Updated(ctx, contentURI(saved.ID))
		follow(ctx, saved)
	}
	return saved, unknownPiece(err)
}

func createPiece(ctx context.Context, tx storage.Documents, customer storage.CustomerID, v version, from origin) (piece, error) {
	data, err := encode(pieceData{
		Agent: v.Agent, Type: v.Type, Title: v.Title, Channel: v.Channel, Version: 1, Measures: &v.Measures.Values, Evaluation: v.Evaluation,
		RunID: from.RunID,
	})
	if err != nil {
		return piece{}, err
	}
	now := storage.Now()
	d := storage.Document{
		CustomerID: customer, Kind: contentKind, ID: from.ID, Status: stateDraft, Data: data, CreatedAt: now, UpdatedAt: now,
	}
	if err := tx.CreateDocument(ctx, d); err != nil {
		return piece{}, err
	}
	p, _, err := pieceOf(d)
	return p, err
}

func revisePiece(ctx context.Context, tx storage.Documents, customer storage.CustomerID, in saveContentIn, v version, byCustomer bool) (piece, error) {
	return updatePiece(ctx, tx, customer, in.ID, func(data *pieceData, d *storage.Document) error {
		if in.Version != data.Version {
			return agent.Errorf("the newest version is %d, not %d; read it with get_content, put both together and save with version %d", data.Version, in.Version, data.Version)
		}
		data.Agent, data.Type, data.Title, data.Channel, data.Measures, data.Evaluation = in.Agent, in.Type, in.Title, in.Channel, &v.Measures.Values, v.Evaluation
		data.Version++
		data.Edited = data.Edited || byCustomer && data.RunID != ""
		d.Status = stateDraft
		return nil
	})
}

// check refuses what the schema can't see.
func (w work) check() error {
	if !typePattern.MatchString(w.Type) {
		return storage.Invalid("type", "a word of lower-case letters, digits, '_' or '-', such as article or social_post")
	}
	if err := cmp.Or(checkLine("title", w.Title), checkText("body", w.Body), checkLine("channel", w.Channel)); err != nil {
		return err
	}
	for _, keyword := range w.Keywords {
		if err := checkLine("each of keywords", keyword); err != nil {
			return err
		}
	}
	if len(w.Meta) > maxMeta {
		return storage.Invalid("meta", "an object of at most %d entries", maxMeta)
	}
	for name, value := range w.Meta {
		if name == "" || utf8.RuneCountInString(name) > maxMetaName || checkLine("name", name) != nil {
			return storage.Invalid("meta", "an object whose names have 1 to %d characters in one line", maxMetaName)
		}
		if err := checkText("meta."+name, value); err != nil {
			return err
		}
	}
	return nil
}
