package agent

import (
	"context"
	"errors"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// Link is a page for people who are no customers, such as those who want no more mails.
// Whoever has its address may use it.
type Link struct {
	// Name stands in the address: 1 to 64 letters, digits, "_" or "-".
	Name string
	// Title is that of the page, and Button what its button says.
	Title, Button string
	// Show returns a sentence that says what the button will do. Opening the page changes
	// nothing. An error that wraps [storage.ErrNotFound] says that the address is not good.
	Show func(ctx context.Context, customer storage.CustomerID, token string) (string, error)
	// Do does it, and returns a sentence that says what was done. Doing it twice is
	// doing it once.
	Do func(ctx context.Context, customer storage.CustomerID, token string) (string, error)
}

type linksKey struct{}

// WithLinks returns a context in which [LinkTo] makes addresses. The host provides it.
func WithLinks(ctx context.Context, address func(ctx context.Context, name, token string) (string, error)) context.Context {
	return context.WithValue(ctx, linksKey{}, address)
}

// LinkTo returns the address of a [Link] of the catalog for the customer of the running
// call. The token is given to its functions: 1 to 100 letters and digits, which can't be
// guessed. It returns an error when the host doesn't know its own address.
func LinkTo(ctx context.Context, name, token string) (string, error) {
	if address, ok := ctx.Value(linksKey{}).(func(context.Context, string, string) (string, error)); ok {
		return address(ctx, name, token)
	}
	return "", errors.New("agent: there is no host that has pages")
}

// Task is work for a program of the customer's own, such as an extension of their browser.
type Task struct {
	ID string
	// Action says what to do, Target is the address to do it at, and Text what to write.
	Action, Target, Text string
	// Status is ready, sent, failed or skipped.
	Status               string
	CreatedAt, ExpiresAt time.Time
}

// Queue hands tasks to a program of the customer's own.
type Queue interface {
	// Pull returns the tasks that may be done now, newest first. What was handed out
	// counts as done until it is reported.
	Pull(ctx context.Context, customer storage.CustomerID, limit int, cursor string) (tasks []Task, next string, err error)
	// Task returns one that was handed out or reported, or [storage.ErrNotFound].
	Task(ctx context.Context, customer storage.CustomerID, id string) (Task, error)
	// Report takes what became of a task: sent, failed or skipped, and why.
	Report(ctx context.Context, customer storage.CustomerID, id, status, reason string) (Task, error)
}
