package billing_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

func ExampleDecide() {
	plans := []billing.Plan{{ID: "pro", Name: "Pro", Price: "price_1", Quotas: map[string]int64{"calls": 1000}}}
	account := billing.Account{Customer: "ada", Session: billing.SessionOpen}
	now := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)

	subscription := billing.Subscription{ID: "sub_1", Phase: billing.PhaseActive, Prices: []string{"price_1"}}
	for _, snapshot := range []billing.Snapshot{
		{Session: billing.SessionUnpaid},
		{Session: billing.SessionPaid, Customer: "cus_1", Subscriptions: []billing.Subscription{subscription}},
		{}, // the provider was not available
	} {
		var effects []billing.Effect
		account, effects = billing.Decide(account, snapshot, plans, nil, now)
		fmt.Println(account.Entitled(now), account.Plan, len(effects))
		for _, effect := range effects {
			fmt.Println(effect.Kind, effect.ID)
		}
	}
	// Output:
	// false  0
	// true pro 1
	// opened onboard:ada
	// true pro 0
}

func ExampleQuotaError() {
	plan := billing.Plan{ID: "pro", Quotas: map[string]int64{"calls": 1000}}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	use := func(account billing.Account, used int64) error {
		limit, limited := plan.Limit("calls")
		if !limited || used < limit {
			return nil
		}
		return &billing.QuotaError{
			Metric: "calls", Used: used, Limit: limit,
			Resets: account.Period(now).End, Upgrade: "https://example.com/plans",
		}
	}

	err := use(billing.Account{Granted: true}, 1000)
	var quota *billing.QuotaError
	fmt.Println(errors.As(err, &quota))
	fmt.Println(err)
	// Output:
	// true
	// you have used 1,000 of 1,000 calls of this period; more from 2026-12-01, or upgrade at https://example.com/plans
}

func ExampleValidatePlans() {
	fmt.Println(billing.ValidatePlans([]billing.Plan{
		{ID: "pro", Name: "Pro", Price: "price_1"},
		{ID: "Team", Name: "Team", Price: "price_1"},
	}))
	// Output:
	// billing: plans[1].id: is "Team", must be 1 to 64 characters of [a-z0-9_-] that begin with a letter or a digit
	// billing: plans[1].price: is "price_1", which plans[0] has already
}
