// Package storage is what a heycmo host remembers, as interfaces for drivers to
// implement.
//
//	store, err := sqlitestore.Open(ctx, "heycmo.db", nil)
//	...
//	customer, err := store.Customer(ctx, id)
//
// A driver stores, finds and counts; it takes no decisions. Identifiers, times,
// hashes and limits come from above. The comments on the methods are the
// contract: package storagetest checks every sentence of them, and a driver that
// passes its suites works with the host.
//
// # Rules for every method
//
// The customer comes right after the context. A record of another customer is
// reported as [ErrNotFound], exactly like one that does not exist.
//
// Identifiers are compared byte by byte: "a" and "A" differ.
//
// Times are stored in UTC and cut to whole microseconds. A zero time means
// "none" and comes back as a zero time.
//
// A string that is not valid UTF-8 or holds a NUL byte, and JSON data that is
// not an object, are refused with [ErrInvalid] before anything is written.
//
// When the context ends, the method returns promptly with an error that wraps
// the context's error, and nothing is written.
//
// All methods may be called from many goroutines at once. Records that a method
// returns belong to the caller.
package storage

import (
	"context"
	"errors"
	"fmt"
)

// Errors that drivers return, always possible to test with [errors.Is].
var (
	// ErrNotFound says that the record is absent or belongs to another customer.
	ErrNotFound = errors.New("not found")
	// ErrExists says that a record with the same unique value is already there.
	ErrExists = errors.New("already exists")
	// ErrConflict says that the record is not in a state that allows the change.
	ErrConflict = errors.New("conflict")
	// ErrInvalid says that a value can't be stored.
	ErrInvalid = errors.New("invalid value")
	// ErrUnavailable says that the database can't be reached, or has no room for
	// another request. Trying again later may succeed.
	ErrUnavailable = errors.New("the database is not available")
)

// Invalid returns an error that wraps [ErrInvalid] and says, for whoever sent
// the value, which field is wrong and what was expected: "limit must be between
// 1 and 100".
func Invalid(field, expected string, args ...any) error {
	return &invalidError{field + " must be " + fmt.Sprintf(expected, args...)}
}

// Conflict returns an error that wraps [ErrConflict] and says, for whoever asked, why
// the record's state doesn't allow it.
func Conflict(format string, args ...any) error {
	return &conflictError{fmt.Sprintf(format, args...)}
}

type conflictError struct{ text string }

func (e *conflictError) Error() string { return e.text }
func (e *conflictError) Unwrap() error { return ErrConflict }

type invalidError struct{ text string }

func (e *invalidError) Error() string { return e.text }
func (e *invalidError) Unwrap() error { return ErrInvalid }

// Store is everything a host needs to remember. Closing it is up to whoever
// opened it.
type Store interface {
	Customers
	Keys
	Events
	Documents

	// InTx runs fn in one transaction and hands it a Store that takes part in
	// it. If fn returns nil, everything it did is there afterwards, otherwise
	// nothing is, and InTx returns fn's error. A panic in fn rolls back too. A
	// refused write, such as one answered with ErrExists, leaves the transaction
	// usable. InTx inside InTx joins the outer transaction: if the inner fn
	// fails, its work alone is undone, and the outer one may go on. Inside fn,
	// only the Store that fn was given may be used.
	InTx(ctx context.Context, fn func(ctx context.Context, tx Store) error) error

	// Ping asks the database for an answer. It is what readiness reports.
	Ping(ctx context.Context) error
}
