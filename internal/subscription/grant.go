package subscription

import (
	"context"
	"errors"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/storage"
)

// grantedAccount is the account of a customer whom an admin lets in.
func grantedAccount(c storage.Customer) billing.Account {
	return billing.Account{
		Customer:    string(c.ID),
		Granted:     true,
		GrantedPlan: c.Plan,
		Plan:        c.Plan,
		State:       billing.StateEntitled,
		Since:       c.CreatedAt,
		PlanSince:   c.CreatedAt,
		OpenedAt:    c.CreatedAt,
	}
}

// Grant makes the account of a customer that is let in by an admin. It takes part
// in the transaction tx.
func (s *Service) Grant(ctx context.Context, tx storage.Store, c storage.Customer) error {
	return roles(tx).CreateAccount(ctx, storage.Account{CustomerID: c.ID, Data: encode(record{Account: grantedAccount(c)})})
}

// SetGrant lets a customer in by an admin's word, with a plan, or takes that back:
// then only a subscription lets them in.
func (s *Service) SetGrant(ctx context.Context, c storage.Customer, granted bool, plan string) error {
	err := s.Grant(ctx, s.Store, c) // for a customer from before there was billing
	if err != nil && !errors.Is(err, storage.ErrExists) {
		return err
	}
	return s.judge(ctx, c.ID, reading{}, func(_ *storage.Account, r *record) error {
		r.Granted, r.GrantedPlan = granted, plan
		return nil
	}, func(a *storage.Account, r *record, _ billing.Account) error {
		if a.Heard != r.Seen || a.Failures > 0 {
			a.DueAt = storage.Now() // what was heard is still to be read
		}
		return nil
	})
}
