// Package subscription turns purchases at a payment provider into customers who
// may come in, and keeps what is known of them true.
//
//	subscriptions, err := subscription.New(subscription.Config{Store: store, Provider: provider, Plans: plans, …})
//	started, err := subscriptions.Checkout(ctx, "ada@example.com", "pro", "")
//	…
//	err = subscriptions.Receive(ctx, delivery) // a hint: it marks the account
//	…
//	go subscriptions.Run(ctx) // reads what is true of marked accounts, decides, and stores that
//
// What is heard only marks an account. Whoever takes its lease reads the provider,
// has [billing.Decide] judge, and stores the account, the customer's state and what
// is to be done in one transaction, which fails when the lease was lost. So neither
// order nor repetition nor two readers at once can change what comes out, and
// nothing is lost with a process.
package subscription

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/storage"
)

// Config is what a Service works with. Every field is set but those that say they
// may be empty.
type Config struct {
	Store    storage.Store    // with the role storage.Billing
	Provider billing.Provider // may be nil: nothing can be bought, admins grant plans
	Plans    []billing.Plan
	Policy   billing.DecideOptions
	// SuccessURL is where buyers return to; it holds {CHECKOUT_SESSION_ID}.
	// CancelURL is where they go when they give up.
	SuccessURL, CancelURL        string
	PromotionCodes, AutomaticTax bool
	// ClaimWindow is how long the first key can be claimed, and RequireNonce lets
	// only the browser claim it that began the checkout.
	ClaimWindow  time.Duration
	RequireNonce bool
	// FlushKeyUse stores which keys were used; may be nil.
	FlushKeyUse func(ctx context.Context) error
	// Notify says that notices are stored for the customers' eyes.
	Notify bool
	// Onboards says that new customers go through an onboarding.
	Onboards bool
	// Lost is called when a customer may come in no longer; may be nil.
	Lost func(storage.CustomerID)
	Log  *zap.Logger
}

// Service is the use of one provider by one host.
type Service struct {
	Config
	portaler billing.Portaler // these two may be nil
	catcher  billing.Catcher
	prices   prices
	heard    chan storage.CustomerID // of whom something was heard; read by Run
	fuse     fuse
}

// New returns a Service. It starts nothing. The error says that the store can't
// keep what billing needs.
func New(c Config) (*Service, error) {
	if _, ok := storage.RoleOf[storage.Billing](c.Store); !ok {
		return nil, errors.New("the store has no storage.Billing, which billing needs")
	}
	if c.Lost == nil {
		c.Lost = func(storage.CustomerID) {}
	}
	s := &Service{Config: c, heard: make(chan storage.CustomerID, 1000)}
	s.portaler, _ = c.Provider.(billing.Portaler)
	s.catcher, _ = c.Provider.(billing.Catcher)
	s.prices.pricer, _ = c.Provider.(billing.Pricer)
	return s, nil
}

// roles returns what store keeps for billing. New has made sure that it does.
func roles(store storage.Store) storage.Billing {
	b, _ := storage.RoleOf[storage.Billing](store)
	return b
}

// record is the data of a [storage.Account].
type record struct {
	billing.Account
	// Seen is how much was heard of the account when the provider was last read.
	Seen int64 `json:",omitempty"`
}

func encode(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("subscription: %T has no JSON: %v", v, err)) // records of ours always have
	}
	return data
}

func decode(a storage.Account) (record, error) {
	var r record
	if err := json.Unmarshal(a.Data, &r); err != nil {
		return record{}, fmt.Errorf("subscription: account of customer %s: %w", a.CustomerID, err)
	}
	return r, nil
}

// Account returns what is known of the customer. One who has no account, because
// an admin made them before there was billing, is let in as they are.
func (s *Service) Account(ctx context.Context, customer storage.CustomerID) (billing.Account, error) {
	stored, err := roles(s.Store).Account(ctx, customer)
	if errors.Is(err, storage.ErrNotFound) {
		c, err := s.Store.Customer(ctx, customer)
		return grantedAccount(c), err
	}
	if err != nil {
		return billing.Account{}, err
	}
	r, err := decode(stored)
	return r.Account, err
}

// Status returns the state of a customer whom no operator has suspended, and until
// when they are entitled, as Customer.EntitledUntil has it.
func (s *Service) Status(ctx context.Context, tx storage.Store, customer storage.Customer) (storage.Status, time.Time, error) {
	stored, err := roles(tx).Account(ctx, customer.ID)
	if errors.Is(err, storage.ErrNotFound) {
		return customer.Admitted(), time.Time{}, nil
	}
	if err != nil {
		return "", time.Time{}, err
	}
	r, err := decode(stored)
	if err != nil {
		return "", time.Time{}, err
	}
	status, until := statusOf(customer, r.Account, time.Now())
	return status, until, nil
}

// statusOf is what an account means for the customer's state.
func statusOf(c storage.Customer, a billing.Account, now time.Time) (storage.Status, time.Time) {
	switch a.StateAt(now) {
	case billing.StateEntitled:
		return c.Admitted(), a.Until(now)
	case billing.StatePending, billing.StateClosed:
		return storage.StatusPending, time.Time{}
	default:
		return storage.StatusInactive, time.Time{}
	}
}

// Plan returns the plan with the ID, and false for an ID of none.
func (s *Service) Plan(id string) (billing.Plan, bool) {
	for _, p := range s.Plans {
		if p.ID == id {
			return p, true
		}
	}
	return billing.Plan{}, false
}

// PlanOf returns the customer's plan, and the zero Plan for one without.
func (s *Service) PlanOf(ctx context.Context, customer storage.CustomerID) (billing.Plan, error) {
	c, err := s.Store.Customer(ctx, customer)
	if err != nil {
		return billing.Plan{}, err
	}
	p, _ := s.Plan(c.Plan)
	return p, nil
}

// Allowance returns how many units of a metric the customer may use in the period
// that is now; a negative limit is none.
func (s *Service) Allowance(ctx context.Context, customer storage.CustomerID, metric string) (limit int64, p billing.Period, err error) {
	account, err := s.Account(ctx, customer)
	if err != nil {
		return 0, billing.Period{}, err
	}
	plan, _ := s.Plan(account.Plan)
	limit, limited := plan.Limit(metric)
	if !limited {
		limit = -1
	}
	return limit, account.Period(time.Now()), nil
}
