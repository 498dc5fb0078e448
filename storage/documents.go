package storage

import (
	"context"
	"encoding/json"
	"time"
)

// Document is a JSON object that a tool keeps for a customer. The host doesn't
// look inside. Its key is the customer, the kind and the ID together.
type Document struct {
	CustomerID CustomerID
	// Kind names the sort of document, such as "brand" or "content".
	Kind string
	// ID is unique within the kind: a UUIDv7, one with something behind it that
	// belongs to it, or a fixed word where a customer has just one.
	ID string
	// Status is a state to select by; may be empty.
	Status string
	// Data is a JSON object.
	Data      json.RawMessage
	CreatedAt time.Time
	UpdatedAt time.Time
}

// DocumentQuery selects documents of one kind of one customer.
type DocumentQuery struct {
	Kind string
	// Status, when set, selects documents in this state.
	Status string
	Page
}

// Documents is the role in which tools keep what they work on.
type Documents interface {
	// CreateDocument stores a new document of d.CustomerID. It returns ErrExists
	// when the customer has one of that kind and ID, and ErrNotFound when the
	// customer is unknown.
	CreateDocument(ctx context.Context, d Document) error

	// Document returns one document, or ErrNotFound.
	Document(ctx context.Context, customer CustomerID, kind, id string) (Document, error)

	// UpdateDocument reads the document, lets change alter it and stores it in
	// one transaction, as UpdateCustomer does. CustomerID, Kind, ID and CreatedAt
	// stay as they were.
	UpdateDocument(ctx context.Context, customer CustomerID, kind, id string, change func(*Document) error) (Document, error)

	// DeleteDocument removes the document, or returns ErrNotFound.
	DeleteDocument(ctx context.Context, customer CustomerID, kind, id string) error

	// Documents returns the selected documents, by ID from high to low, which
	// for UUIDv7 is newest first.
	Documents(ctx context.Context, customer CustomerID, q DocumentQuery) ([]Document, error)
}
