// Package memory is what agents and clients remember for a customer, in four layers:
//
//	m, err := memory.New(store, &memory.Options{Embedder: embedder})
//	if err != nil {
//		return err
//	}
//	note, err := m.Remember(ctx, customer, memory.Note{Layer: memory.Semantic, Text: "The launch has moved to July."})
//	...
//	found, err := m.Recall(ctx, customer, memory.Query{Text: "when do we start?"})
//
// [Memory.Tools] offers the same to models.
//
// # Layers
//
// [Working] is this conversation: gone after a day, and seen in it alone. [Brand] are
// facts that the customer confirmed. [Semantic] are notes and past content, found by
// what they mean. [Procedural] are lessons, and weights, that change how agents work.
//
// An agent that works by itself writes to Working and Semantic alone: what it read on a
// page must become neither a fact of the brand nor a habit of the team.
//
// # Finding
//
// With an [agent.Embedder], and a database that compares vectors, a text is looked for
// by its meaning and by its words, and both lists become one by reciprocal rank fusion
// (Cormack, Clarke and Büttcher, SIGIR 2009, with their k = 60). Otherwise its words
// alone count. What was stored while the embedder failed is found by its words until it
// is stored again.
//
// Nothing crosses customers, and what is forgotten is deleted.
package memory

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

// The layers.
const (
	Working    = "working"
	Brand      = "brand"
	Semantic   = "semantic"
	Procedural = "procedural"
)

// Layers are all layers.
var Layers = []string{Working, Brand, Semantic, Procedural}

// workingTime is how long a conversation is remembered.
const workingTime = 24 * time.Hour

// Options are what may be set. The zero value of every field is its default.
type Options struct {
	// Embedder finds texts by their meaning. Default: by their words alone.
	Embedder agent.Embedder
	// Log is told of an Embedder that fails. Default: nowhere.
	Log *zap.Logger
}

// Memory remembers for customers.
type Memory struct {
	store    storage.Store
	memories storage.Memories
	embedder agent.Embedder // may be nil
	log      *zap.Logger
	now      func() time.Time
}

// New returns a Memory that keeps what it knows in a store, which must have the role
// [storage.Memories]. It asks nothing yet. Nil options are all defaults.
func New(store storage.Store, o *Options) (*Memory, error) {
	memories, ok := storage.RoleOf[storage.Memories](store)
	if !ok {
		return nil, errors.New("memory: the store has no storage.Memories")
	}
	m := &Memory{store: store, memories: memories, log: zap.NewNop(), now: storage.Now}
	if o != nil {
		m.embedder, m.log = o.Embedder, cmp.Or(o.Log, m.log)
	}
	return m, nil
}

// Note is something to remember.
type Note struct {
	Layer string
	// Topic is the conversation of a Working note, and the agent that a Procedural one
	// is for, or "" for all. Others have none.
	Topic string
	// Text has 1 to [MaxText] characters.
	Text string
	// Key and Weight, from 0 to 1, make a Procedural note a weight, such as 0.7 for
	// format_weights.blog. A later one takes its place.
	Key    string
	Weight *float64
}

// MaxText is how many characters a [Note] may have.
const MaxText = 4000

// Item is something that is remembered.
type Item struct {
	// ID is for Forget.
	ID string
	Note
	// Ref is the ID of what the text is a part of, such as a piece of content; may be
	// empty.
	Ref       string
	CreatedAt time.Time
}

// extra is the data of a memory.
type extra struct {
	Ref    string   `json:"ref,omitempty"`
	Key    string   `json:"key,omitempty"`
	Weight *float64 `json:"weight,omitempty"`
}

func itemOf(m storage.Memory) (Item, error) {
	var e extra
	if err := json.Unmarshal(m.Data, &e); err != nil {
		return Item{}, fmt.Errorf("memory: stored data: %w", err)
	}
	n := Note{Layer: m.Layer, Topic: m.Topic, Text: m.Text, Key: e.Key, Weight: e.Weight}
	return Item{ID: m.ID, Note: n, Ref: e.Ref, CreatedAt: m.CreatedAt}, nil
}

func itemsOf(list []storage.Memory) ([]Item, error) {
	items := make([]Item, len(list))
	var err error
	for i, m := range list {
		if items[i], err = itemOf(m); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// Remember stores a note. The error, fit for the caller of a tool, says what is wrong
// with it, or that an agent at work may not write to its layer.
func (m *Memory) Remember(ctx context.Context, customer storage.CustomerID, n Note) (Item, error) {
	if err := n.check(); err != nil {
		return Item{}, err
	}
	if w, ok := agent.WorkingFrom(ctx); ok {
		switch n.Layer {
		case Brand, Procedural:
			return Item{}, agent.Errorf("only the customer can have this remembered; propose it in your answer")
		case Working:
			n.Topic = string(w.Root)
		}
	}
	id := storage.NewID()
	if n.Key != "" {
		id = "weight." + n.Topic + "." + n.Key // the newest one counts
	}
	item := Item{ID: id, Note: n, CreatedAt: m.now()}
	record, err := m.record(customer, item, m.embed(ctx, n.Text), 0)
	if err != nil {
		return Item{}, err
	}
	return item, m.store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		if err := in(tx).PutMemory(ctx, record); err != nil {
			return err
		}
		// Never the text: events can't be forgotten.
		return storage.Record(ctx, tx, customer, "memory.added", map[string]any{"id": item.ID, "layer": n.Layer})
	})
}

// in returns the role inside of a transaction, where it is too.
func in(tx storage.Store) storage.Memories {
	memories, _ := storage.RoleOf[storage.Memories](tx)
	return memories
}

// record returns an item as it is stored, with the n-th of the vectors if there are any.
func (m *Memory) record(customer storage.CustomerID, item Item, vectors [][]float32, n int) (storage.Memory, error) {
	data, err := json.Marshal(extra{item.Ref, item.Key, item.Weight})
	if err != nil {
		return storage.Memory{}, fmt.Errorf("memory: %w", err)
	}
	r := storage.Memory{
		CustomerID: customer, ID: item.ID, Layer: item.Layer, Topic: item.Topic, Text: item.Text, Data: data,
		CreatedAt: item.CreatedAt, UpdatedAt: item.CreatedAt,
	}
	if item.Layer == Working {
		r.ExpiresAt = item.CreatedAt.Add(workingTime)
	}
	if vectors != nil {
		r.Vector, r.Space = vectors[n], m.embedder.Space()
	}
	return r, nil
}

// embed returns vectors of texts, or nil when there are none to be had.
func (m *Memory) embed(ctx context.Context, texts ...string) [][]float32 {
	if m.embedder == nil || len(texts) == 0 {
		return nil
	}
	vectors, err := m.embedder.Embed(ctx, texts)
	if err == nil && len(vectors) != len(texts) {
		err = fmt.Errorf("memory: %d vectors for %d texts", len(vectors), len(texts))
	}
	if err != nil {
		m.log.Warn("texts can't be embedded; they are found by their words", zap.Error(err))
		return nil
	}
	return vectors
}

// Forget deletes what has the ID, with all other parts of the same [Item].Ref. It
// returns ErrNotFound when there is no such thing. An agent at work may forget what it
// wrote in its own conversation, and nothing else.
func (m *Memory) Forget(ctx context.Context, customer storage.CustomerID, id string) error {
	return m.store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		memories := in(tx)
		r, err := memories.Memory(ctx, customer, id)
		if err != nil {
			return err
		}
		if w, ok := agent.WorkingFrom(ctx); ok && (r.Layer != Working || r.Topic != string(w.Root)) {
			return agent.Errorf("only the customer can have this forgotten; propose it in your answer")
		}
		item, err := itemOf(r)
		if err != nil {
			return err
		}
		if item.Ref != "" {
			err = deleteParts(ctx, memories, customer, item.Ref, 0)
		} else {
			err = memories.DeleteMemory(ctx, customer, id)
		}
		if err != nil {
			return err
		}
		return storage.Record(ctx, tx, customer, "memory.forgotten", map[string]any{"id": id, "layer": item.Layer})
	})
}

// List returns a page of what is remembered, of one layer or of all: weights, then
// notes, newest first. It returns the cursor of the next page too, as [storage.List] does.
func (m *Memory) List(ctx context.Context, customer storage.CustomerID, layer string, limit int, cursor string) ([]Item, string, error) {
	list, next, err := storage.List(limit, cursor, func(r storage.Memory) string { return r.ID }, func(page storage.Page) ([]storage.Memory, error) {
		return m.memories.Memories(ctx, customer, storage.MemoryQuery{Layer: layer, At: m.now(), Page: page})
	})
	if err != nil {
		return nil, "", err
	}
	items, err := itemsOf(list)
	return items, next, err
}

// Facts returns what the customer confirmed, newest first, at most 100.
func (m *Memory) Facts(ctx context.Context, customer storage.CustomerID) ([]Item, error) {
	items, _, err := m.List(ctx, customer, Brand, storage.MaxLimit, "")
	return items, err
}

// Lessons returns what was learned about how an agent should work: lessons and weights
// for it and for all, newest first, among the newest 100 of the customer.
func (m *Memory) Lessons(ctx context.Context, customer storage.CustomerID, agentID string) ([]Item, error) {
	items, _, err := m.List(ctx, customer, Procedural, storage.MaxLimit, "")
	return slices.DeleteFunc(items, func(i Item) bool { return i.Topic != "" && i.Topic != agentID }), err
}

// Sweep deletes conversations that are over.
func (m *Memory) Sweep(ctx context.Context) error {
	for {
		n, err := m.memories.DeleteExpiredMemories(ctx, m.now())
		if err != nil || n == 0 {
			return err
		}
	}
}
