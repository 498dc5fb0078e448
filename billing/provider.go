// Package billing knows plans and who is entitled to what. It decides; a payment
// company, behind [Provider], only tells what it knows.
//
//	provider, err := stripebilling.New(key, &stripebilling.Options{WebhookSecrets: secrets})
//	if err != nil {
//		return err
//	}
//	snapshot, err := provider.Read(ctx, billing.Ref{Subscription: id})
//	if err != nil {
//		return err
//	}
//	account, effects := billing.Decide(account, snapshot, plans, nil, time.Now())
//	// store both in one transaction; from then on:
//	if account.Entitled(time.Now()) {
//		// let the customer in
//	}
//
// A delivered event is a hint that something has changed. What is true is read
// from the provider afterwards and judged by [Decide], so that order, duplicates
// and the shape of events can't change the outcome.
package billing

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"
)

// Provider is a payment company. It translates; it decides nothing. All methods
// honour the context and may be called by many goroutines. Package billingtest
// checks implementations.
type Provider interface {
	// Name is a short name for records, such as "stripe".
	Name() string
	// Checkout starts a purchase on a page of the provider. Asking again with the
	// same IdempotencyKey gives the same checkout.
	Checkout(ctx context.Context, r CheckoutRequest) (Checkout, error)
	// Verify checks the signature of a delivery and says what it is about, never
	// what is true. The error wraps ErrSignature or ErrMalformed.
	Verify(d Delivery) (Notice, error)
	// Read returns what is true now. Something that isn't there is ErrNotFound,
	// never a snapshot that looks like an end.
	Read(ctx context.Context, ref Ref) (Snapshot, error)
}

// The optional abilities of a [Provider].
type (
	// Portaler makes links to a page where a customer manages payment.
	Portaler interface {
		Portal(ctx context.Context, r PortalRequest) (url string, err error)
	}
	// Pricer reads prices. Unknown ones are left out.
	Pricer interface {
		Prices(ctx context.Context, ids []string) ([]Price, error)
	}
	// Reporter takes usage. The errors belong to the items of the batch, nil for
	// those that were taken. An ID counts once, however often it is sent.
	Reporter interface {
		ReportUsage(ctx context.Context, batch []UsageReport) []error
	}
	// Changer changes a subscription.
	Changer interface {
		Change(ctx context.Context, subscription string, c Change) error
	}
	// Catcher lists what was delivered, or should have been, since a time.
	Catcher interface {
		Missed(ctx context.Context, since time.Time) iter.Seq2[Notice, error]
	}
	// Installer makes the provider deliver events to an address. The secret that
	// signs them is told once.
	Installer interface {
		InstallWebhook(ctx context.Context, url string) (secret string, err error)
	}
)

var (
	// ErrNotFound says that the provider doesn't know what was asked for.
	ErrNotFound = errors.New("billing: not found")
	// ErrSignature says that a delivery isn't signed by the provider, or not now.
	ErrSignature = errors.New("billing: the signature is not valid")
	// ErrMalformed says that a signed delivery is no event.
	ErrMalformed = errors.New("billing: not an event")
	// ErrRefused says that the provider understood and refused; asking again
	// changes nothing. Its text is for the operator.
	ErrRefused = errors.New("billing: the provider refused")
)

// UnavailableError says that the provider couldn't be asked, and when to try
// again. Nothing may be decided from it.
type UnavailableError struct {
	After time.Duration // at least this long; 0: not known
	Err   error
}

// Error names the cause.
func (e *UnavailableError) Error() string {
	return fmt.Sprintf("billing: the provider is not available: %v", e.Err)
}

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// CheckoutRequest describes a purchase.
type CheckoutRequest struct {
	// IdempotencyKey is 16 to 64 characters of [A-Za-z0-9_-].
	IdempotencyKey string
	// Email is filled into the form; may be empty when Customer is set.
	Email string
	// Customer is the provider's ID of a customer that pays again; may be empty.
	Customer string
	// Reference is our customer's ID, which the provider keeps with the checkout.
	Reference string
	// Price is the provider's ID of a price.
	Price string
	// SuccessURL is where the person returns to; "{CHECKOUT_SESSION_ID}" in it
	// becomes the checkout's ID. CancelURL is where they go when they give up.
	SuccessURL, CancelURL string
	// TrialDays is 0 for no trial.
	TrialDays int
	// PromotionCodes lets the person enter one.
	PromotionCodes bool
	// AutomaticTax has the provider add taxes.
	AutomaticTax bool
}

// Checkout is a purchase that was started.
type Checkout struct {
	ID        string
	URL       string
	ExpiresAt time.Time
}

// PortalRequest asks for a page where a customer manages payment.
type PortalRequest struct {
	Customer  string // the provider's ID
	ReturnURL string
}

// Price is what a plan costs.
type Price struct {
	ID string
	// Currency is an ISO 4217 code in lower case.
	Currency string
	// Amount is in the smallest unit of the currency, for each period.
	Amount int64
	// Interval is "day", "week", "month" or "year", of which Count make a period.
	Interval string
	Count    int
}

// UsageReport is usage of one customer in a short while.
type UsageReport struct {
	ID       string // unique; at most 100 characters
	Customer string // the provider's ID
	Metric   string // the provider's name of what is counted
	Quantity int64  // at least 1
	At       time.Time
}

// Change is what to change of a subscription.
type Change struct {
	Price string // the new price; empty: the old one
	// Cancel ends it: now, or at the end of the period that is paid.
	CancelNow, CancelAtPeriodEnd bool
	// IdempotencyKey is as in CheckoutRequest.
	IdempotencyKey string
}

// Delivery is an HTTP request that claims to come from the provider.
type Delivery struct {
	Body   []byte // as it was sent
	Header http.Header
	At     time.Time // when it came
}

// Ref names something at the provider. One field is enough; with several, Read
// uses the first that is set.
type Ref struct{ Session, Subscription, Customer string }

// Notice says what a delivery is about.
type Notice struct {
	ID      string // at most 255 characters
	Type    string // the provider's
	Created time.Time
	Live    bool
	Ref     Ref // may be empty
	Kind    Kind
}

// Kind says which notification a notice may lead to. Its truth is read first.
type Kind string

// The kinds of notices.
const (
	KindChanged        Kind = "changed"
	KindPaymentFailed  Kind = "payment_failed"
	KindActionRequired Kind = "action_required"
	KindTrialEnding    Kind = "trial_ending"
	KindDispute        Kind = "dispute"
	KindIgnored        Kind = "ignored"
)

// Snapshot is what the provider knows of one customer.
type Snapshot struct {
	// Session is the state of the checkout that was asked for, or SessionNone.
	Session SessionState
	// Reference is our customer's ID as given to the checkout; may be empty.
	Reference string
	Customer  string // the provider's ID
	Email     string // contact, never identity
	// Gone says that the provider's customer was deleted.
	Gone          bool
	Subscriptions []Subscription
}

// SessionState is how far a checkout is.
type SessionState string

// The states of checkouts.
const (
	SessionNone    SessionState = ""
	SessionOpen    SessionState = "open"
	SessionUnpaid  SessionState = "unpaid" // finished, the money is on its way
	SessionPaid    SessionState = "paid"   // paid, or nothing to pay
	SessionExpired SessionState = "expired"
)

// Subscription is one subscription of a [Snapshot].
type Subscription struct {
	ID    string
	Phase Phase
	// Raw is the provider's own word for the phase, for logs.
	Raw    string
	Prices []string // IDs
	// PeriodStart and PeriodEnd bound what is paid; zero when not known.
	PeriodStart, PeriodEnd time.Time
	TrialEnd               time.Time // zero: no trial
	// CancelAtPeriodEnd says that it isn't renewed.
	CancelAtPeriodEnd bool
	EndedAt           time.Time // zero: it has not ended
	// CollectionPaused says that nothing is charged for now.
	CollectionPaused bool
}

// Phase is where a subscription stands.
type Phase string

// The phases of subscriptions. Any other is unknown, and changes nothing.
const (
	PhaseIncomplete        Phase = "incomplete"
	PhaseIncompleteExpired Phase = "incomplete_expired"
	PhaseTrialing          Phase = "trialing"
	PhaseActive            Phase = "active"
	PhasePastDue           Phase = "past_due"
	PhaseUnpaid            Phase = "unpaid"
	PhasePaused            Phase = "paused"
	PhaseCanceled          Phase = "canceled"
	PhaseUnknown           Phase = "unknown"
)
