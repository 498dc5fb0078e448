package storagetest_test

import "github.com/heycmo/heycmo-go/storage"

// inBilling is a fault of the role.
func inBilling(check string, wrap func(billing) storage.Store) fault {
	return fault{"Billing/" + check, func(s storage.Store) storage.Store { return wrap(billingOf(s)) }}
}

var billingFaults = map[string]fault{
	"the role is hidden":                    {"Billing/HasTheRole", func(s storage.Store) storage.Store { return hides{s} }},
	"the role is hidden in transactions":    inBilling("InsideReserve", func(b billing) storage.Store { return noBillingInside{b} }),
	"Account forgets the customer":          inBilling("ForeignCustomer", func(b billing) storage.Store { return accountOfAll{b} }),
	"an account is found by another's name": inBilling("Identifiers", func(b billing) storage.Store { return namesIgnoreCase{b} }),
	"accounts are oldest first":             inBilling("Order", func(b billing) storage.Store { return accountsOldestFirst{b} }),
	"the end of a lease is rounded":         inBilling("Times", func(b billing) storage.Store { return roundsLease{b} }),
	"NUL bytes of names are stripped":       inBilling("Text", func(b billing) storage.Store { return stripsNames{b} }),
	"any request is taken":                  inBilling("JSON", func(b billing) storage.Store { return anyRequest{b} }),
	"accounts are shared with a cache":      inBilling("RecordsBelongToTheCaller", func(b billing) storage.Store { return cachesAccount{b} }),
	"Reserve ignores an ended context":      inBilling("EndedContext", func(b billing) storage.Store { return endless{b} }),

	"an account is leased a moment early":     inBilling("LeaseAccounts", func(b billing) storage.Store { return leasesLeased{b} }),
	"accounts that do well are failing":       inBilling("FailingAccounts", func(b billing) storage.Store { return allFail{b} }),
	"the last name counts":                    inBilling("NameAccount", func(b billing) storage.Store { return lastNameFirst{b} }),
	"the oldest of a session is found":        inBilling("CheckoutBySession", func(b billing) storage.Store { return oldestSession{b} }),
	"UpdateCheckout returns what change made": inBilling("UpdateCheckout", func(b billing) storage.Store { return returnsMade{b} }),
	"active customers are deleted":            inBilling("DeletePending", func(b billing) storage.Store { return deletesActive{b} }),
	"customers with a name are deleted":       inBilling("DeletePending", func(b billing) storage.Store { return deletesNamed{b} }),
	"effects of the deleted are left":         inBilling("DeletePending", func(b billing) storage.Store { return keepsEffects{b} }),
	"a known notice is swallowed":             inBilling("CreateNotice", func(b billing) storage.Store { return swallowsNotices{b} }),
	"there is one provider":                   inBilling("CreateNotice", func(b billing) storage.Store { return oneProvider{b} }),
	"the last notice is by our clock":         inBilling("LastNotice", func(b billing) storage.Store { return lastReceived{b} }),
	"any ID of an effect is taken":            inBilling("CreateEffect", func(b billing) storage.Store { return anyEffectID{b} }),
	"an effect that is done comes again":      inBilling("CreateEffect", func(b billing) storage.Store { return forgetsDone{b} }),
	"done effects are taken":                  inBilling("TakeEffects", func(b billing) storage.Store { return undone{b} }),
	"attempts are not counted":                inBilling("TakeEffects", func(b billing) storage.Store { return notCounted{b} }),

	"Reserve ignores what is held":       inBilling("ReserveRefuses", func(b billing) storage.Store { return ignoresHeld{b} }),
	"a refused reservation is kept":      inBilling("ReserveRefuses", func(b billing) storage.Store { return keepsRefused{b} }),
	"a refusal has no balance":           inBilling("ReserveRefuses", func(b billing) storage.Store { return emptyBalance{b} }),
	"Settle adds":                        inBilling("Settle", func(b billing) storage.Store { return adding{b} }),
	"Settle adds what is repeated":       inBilling("SettleAgain", func(b billing) storage.Store { return adding{b} }),
	"Done gives nothing back":            inBilling("Settle", func(b billing) storage.Store { return neverDone{b} }),
	"Settle stores half":                 inBilling("Settle", func(b billing) storage.Store { return oneByOne{b} }),
	"a late use doesn't count":           inBilling("Settle", func(b billing) storage.Store { return refusesLate{b} }),
	"only a thousand uses are looked at": inBilling("SettleMany", func(b billing) storage.Store { return settlesThousand{b} }),
	"a reservation ends a moment early":  inBilling("SettleExpired", func(b billing) storage.Store { return expiresAtOnce{b} }),
	"a reservation is never extended":    inBilling("SettleExpired", func(b billing) storage.Store { return neverExtends{b} }),
	"counts don't agree":                 inBilling("CountsAgree", func(b billing) storage.Store { return refusesLate{b} }),
	"days are local":                     inBilling("UsageByDay", func(b billing) storage.Store { return localDays{b} }),
	"all metrics are unreported":         inBilling("Unreported", func(b billing) storage.Store { return allMetrics{b} }),
	"a count is marked whatever it was":  inBilling("MarkReported", func(b billing) storage.Store { return reportsAll{b} }),
	"what is held is deleted":            inBilling("DeleteUsage", func(b billing) storage.Store { return deletesHeld{b} }),

	"a notice outlives its transaction": inBilling("TxRollsBack", func(b billing) storage.Store { return outOfTx{b} }),
	"an account is leased twice":        inBilling("AccountsAreLeasedOnce", func(b billing) storage.Store { return leasesTwice{b} }),
	"updates of accounts are lost":      inBilling("NoUpdateIsLost", func(b billing) storage.Store { return losesAccounts{b} }),
	"many store the same notice":        inBilling("OneCreatorWins", func(b billing) storage.Store { return swallowsNotices{b} }),
	"Reserve looks first":               inBilling("ReserveTogether", func(b billing) storage.Store { return reservesApart{b} }),
	"two mark a count":                  inBilling("MarkReportedTogether", func(b billing) storage.Store { return reportsAll{b} }),
	"uses count twice":                  inBilling("SettleTogether", func(b billing) storage.Store { return adding{b} }),
}
