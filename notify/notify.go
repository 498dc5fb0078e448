// Package notify tells customers about their account: a payment that failed, a
// trial that ends, a new key, a decision that waits for them.
//
// A [Notice] says what happened, [Notice.Message] puts it into words, and a
// [Notifier] brings it to the customer. Package smtpnotify sends mail; anything else
// takes a few lines:
//
//	notifier := notify.Func(func(ctx context.Context, n notify.Notice) error {
//		message, err := n.Message()
//		if err != nil {
//			return err
//		}
//		return chat.Send(ctx, n.CustomerID, message.Subject, message.Body)
//	})
//
// Whoever wants other words leaves Message out and writes them there.
package notify

import (
	"context"
	"errors"
	"time"
)

// ErrPermanent says that this notice won't arrive, however often it is tried: it
// can't be put into words, or its address isn't one or takes no mail. Errors that
// don't wrap it may pass.
var ErrPermanent = errors.New("trying again is of no use")

// Notifier brings notices to customers. It may be called by many goroutines.
type Notifier interface {
	// Notify sends a notice and returns when it has been handed over. It is called
	// at least once for each notice, again after an error that isn't
	// [ErrPermanent]; n.ID tells a repetition. It honours the context.
	Notify(ctx context.Context, n Notice) error
}

// Func is a function as a [Notifier].
type Func func(ctx context.Context, n Notice) error

// Notify calls f.
func (f Func) Notify(ctx context.Context, n Notice) error { return f(ctx, n) }

// Notice is something that a customer should know. It never holds a key.
type Notice struct {
	// ID is unique to the cause, and the same for a repetition.
	ID   string
	Kind Kind
	// CustomerID is our customer's ID.
	CustomerID string
	// Email is the customer's address, without a name; empty: nobody to tell.
	Email string
	// BrandName is what the customer calls the business; may be empty.
	BrandName string
	// Product is the name of the service as its customers know it.
	Product string
	// PlanName is the plan's name; may be empty.
	PlanName string
	// Until is when the grace, the trial or the paid period ends; zero: not known.
	Until time.Time
	// URL is an http or https address where the customer can act: pay, decide,
	// connect; may be empty.
	URL string
	// Note is one line more, such as what waits for approval; may be empty.
	Note string
}

// Kind is what a [Notice] is about.
type Kind string

// The kinds of notices.
const (
	KindPaymentArrived  Kind = "payment_arrived"  // days after a purchase: the key can be claimed, at URL
	KindPaymentFailed   Kind = "payment_failed"   // the account works until Until
	KindTrialEnding     Kind = "trial_ending"     // at Until; payment begins then
	KindSuspended       Kind = "suspended"        // paying cures it
	KindResumed         Kind = "resumed"          // the account works again
	KindEnded           Kind = "ended"            // it takes a new checkout
	KindCancelPlanned   Kind = "cancel_planned"   // not renewed at Until
	KindKeyIssued       Kind = "key_issued"       // a key was made; URL is where to revoke it
	KindApprovalWaiting Kind = "approval_waiting" // Note says what; URL is where to decide
	KindReconnect       Kind = "reconnect"        // an account at a platform must be linked anew; Note says which
)
