package storage

import (
	"context"
	"encoding/json"
	"time"
)

// Memory is a text that is kept for a customer, to be found again by its words or
// by its meaning.
type Memory struct {
	CustomerID CustomerID
	// ID is unique for the customer: a UUIDv7, or the ID of what the text is of.
	ID string
	// Layer is the sort of memory, such as "semantic".
	Layer string
	// Topic narrows the layer, such as to a conversation; may be empty.
	Topic string
	// Text is what is remembered.
	Text string
	// Data is a JSON object beside the text, which isn't searched.
	Data json.RawMessage
	// Vector places Text in the space of an embedding model, which Space names: 1
	// to 4,096 finite numbers, not all 0. Nil, with an empty Space, when there is none.
	Vector []float32
	Space  string

	CreatedAt time.Time
	UpdatedAt time.Time
	// ExpiresAt is when it must be gone; zero: never.
	ExpiresAt time.Time
}

// MemoryQuery selects memories of one customer to list. The zero value of a field
// selects all.
type MemoryQuery struct {
	Layer, Topic string
	// At leaves out what has expired by then; zero: nothing.
	At time.Time
	Page
}

// MemorySearch looks for memories of one customer: by Vector when there is one,
// else by the words of Text.
type MemorySearch struct {
	// Layers are the layers to look in; empty: all. Topic, when set, is the only one.
	Layers []string
	Topic  string
	// Text is what to look for, in words, of which any may occur. No character in
	// it has a meaning of its own.
	Text string
	// Vector is what to look for, in the space that Space names. Memories without a
	// vector of that space and length aren't found.
	Vector []float32
	Space  string
	// At leaves out what has expired by then.
	At time.Time
	// Limit is how many to return at most; less than 1: none.
	Limit int
}

// MemoryHit is a memory that was found.
type MemoryHit struct {
	Memory
	// Score is higher for what fits better. For a search by Vector it is the
	// cosine of the angle between both, from -1 to 1; for one by Text it can only be
	// compared with others of the same search.
	Score float64
}

// Memories is the role that remembers and finds texts. A [Store] need not have it:
// whoever needs it looks for it with [RoleOf].
//
// Deleting leaves nothing of the text and its vector: no row, no entry of an index.
type Memories interface {
	// PutMemory stores a memory of m.CustomerID, in the place of the one with that
	// ID if there is one, whose CreatedAt stays. It returns ErrNotFound when the
	// customer is unknown. Where the database can't keep vectors, Vector is left out.
	PutMemory(ctx context.Context, m Memory) error

	// Memory returns one memory, or ErrNotFound. Its Vector is left out.
	Memory(ctx context.Context, customer CustomerID, id string) (Memory, error)

	// DeleteMemory removes the memory, or returns ErrNotFound.
	DeleteMemory(ctx context.Context, customer CustomerID, id string) error

	// Memories returns the selected memories, by ID from high to low, without their
	// Vectors.
	Memories(ctx context.Context, customer CustomerID, q MemoryQuery) ([]Memory, error)

	// SearchMemories returns what was found, the best first, without Vectors. A
	// search by Vector fails with an error that wraps [errors.ErrUnsupported] where
	// the database can't compare vectors.
	SearchMemories(ctx context.Context, customer CustomerID, s MemorySearch) ([]MemoryHit, error)

	// DeleteExpiredMemories removes memories of all customers whose ExpiresAt is set
	// and not after the time, and returns how many it were. A call may leave some
	// for the next one.
	DeleteExpiredMemories(ctx context.Context, at time.Time) (int, error)
}
