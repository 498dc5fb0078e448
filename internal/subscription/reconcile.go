package subscription

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/storage"
)

// Difference is what reading the provider changes of one customer.
type Difference struct {
	Customer      storage.CustomerID
	Before, After billing.State
	// PlanBefore and PlanAfter are IDs of plans.
	PlanBefore, PlanAfter string
	// Cut says that the customer may come in no longer.
	Cut bool
	// Err is why the customer could not be read or stored; nothing was changed.
	Err error
}

// ReconcileOptions say how to reconcile.
type ReconcileOptions struct {
	DryRun bool // change nothing
	Force  bool // however many are shut out
}

// Reconcile reads everybody who ever bought something and stores what is true. It
// reports differences and failures alone. When too many would be shut out, and
// unless Force, it changes nothing and says so in the error.
func (s *Service) Reconcile(ctx context.Context, o ReconcileOptions, report func(Difference)) error {
	if s.Provider == nil {
		return errors.New("there is no payment provider")
	}
	var differ []storage.CustomerID
	entitled, cuts := 0, 0
	now := storage.Now()
	err := each(ctx, roles(s.Store), func(a storage.Account, r record, err error) error {
		if err != nil {
			report(Difference{Customer: a.CustomerID, Err: err})
			return nil
		}
		if r.Entitled(now) {
			entitled++
		}
		if r.ProviderCustomer == "" {
			return nil
		}
		got, err := s.read(ctx, storage.Account{CustomerID: a.CustomerID}, r.Account)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			report(Difference{Customer: a.CustomerID, Before: r.State, After: r.State, PlanBefore: r.Plan, PlanAfter: r.Plan, Err: err})
			return nil
		}
		after, _ := billing.Decide(r.Account, got.Snapshot, s.Plans, &s.Policy, now)
		cut := r.Entitled(now) && !after.Entitled(now)
		if cut {
			cuts++
		}
		if after.State != r.State || after.Plan != r.Plan || cut {
			report(Difference{
				Customer: a.CustomerID, Before: r.State, After: after.State, PlanBefore: r.Plan, PlanAfter: after.Plan, Cut: cut,
			})
			differ = append(differ, a.CustomerID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if limit := allowed(entitled); cuts > limit && !o.Force {
		return fmt.Errorf("%d of %d customers would be shut out, and at most %d may be at once; nothing was changed: "+
			"look at some of them on the provider's pages, and force it if that is right", cuts, entitled, limit)
	}
	if o.DryRun {
		return nil
	}
	for _, customer := range differ {
		if err := s.readAgain(ctx, customer); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			report(Difference{Customer: customer, Err: err})
		}
	}
	return nil
}

// readAgain reads one customer under a lease: what was read before may be old.
func (s *Service) readAgain(ctx context.Context, customer storage.CustomerID) error {
	account, err := s.lease(ctx, customer, func(*storage.Account, time.Time) bool { return true })
	if errors.Is(err, errBusy) {
		return nil // it is being read at this moment
	}
	if err != nil {
		return err
	}
	return s.refresh(ctx, account)
}
