package storage

import (
	"context"
	"encoding/json"
	"time"
)

// RunID identifies a run: a UUIDv7.
type RunID string

// Run is a piece of work that takes a while, as it is known afterwards and while
// it goes on.
type Run struct {
	CustomerID CustomerID
	ID         RunID
	// Parent is the run that asked for this one; empty for a customer's own wish.
	Parent RunID
	// Kind says what sort of run it is, such as "agent", and Name which one of them
	// ran, such as the agent's ID.
	Kind, Name string
	// Status is a word of whoever runs it, such as "running".
	Status string
	// Tokens and Cost are what models used so far; Cost is in millionths of a US
	// dollar. Neither is negative.
	Tokens, Cost int64
	// Data is a JSON object: what was wanted, and what came of it.
	Data      json.RawMessage
	CreatedAt time.Time
	UpdatedAt time.Time
	// EndedAt is zero while it runs.
	EndedAt time.Time
}

// RunQuery selects runs of one customer. The zero value of a field selects all.
type RunQuery struct {
	Kind, Name, Status string
	// Parent, when set, selects the runs that this one asked for.
	Parent RunID
	Page
}

// Spent is what models used.
type Spent struct {
	Tokens int64
	// Cost is in millionths of a US dollar.
	Cost int64
}

// Runs is the role that remembers runs. A [Store] need not have it: a host whose
// agents have models looks for it with [RoleOf].
type Runs interface {
	// CreateRun stores a new run of r.CustomerID. It returns ErrExists when the ID
	// is taken, and ErrNotFound when the customer is unknown.
	CreateRun(ctx context.Context, r Run) error

	// Run returns one run, or ErrNotFound.
	Run(ctx context.Context, customer CustomerID, id RunID) (Run, error)

	// UpdateRun reads the run, lets change alter it and stores it in one
	// transaction, as UpdateCustomer does. CustomerID, ID, Parent, Kind, Name and
	// CreatedAt stay as they were.
	UpdateRun(ctx context.Context, customer CustomerID, id RunID, change func(*Run) error) (Run, error)

	// Runs returns the selected runs, newest first.
	Runs(ctx context.Context, customer CustomerID, q RunQuery) ([]Run, error)

	// RunsSpent returns the sum of what the customer's runs used that were created
	// at or after since.
	RunsSpent(ctx context.Context, customer CustomerID, since time.Time) (Spent, error)

	// StalledRuns returns up to limit runs of all customers that are in the state,
	// have not ended, and were last updated before the time: the longest ago first,
	// then by ID from low to high.
	StalledRuns(ctx context.Context, status string, before time.Time, limit int) ([]Run, error)

	// DeleteRuns removes runs of all customers that were last updated before the
	// time, and returns how many it were. A call may leave some for the next one.
	DeleteRuns(ctx context.Context, before time.Time) (int, error)
}
