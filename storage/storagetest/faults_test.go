package storagetest_test

import (
	"context"
	"maps"

	"github.com/heycmo/heycmo-go/storage"
)

// A fault is a way to get the contract wrong, and the check that finds it.
type fault struct {
	check string
	wrap  func(storage.Store) storage.Store
}

// faulty returns s with a fault, which its transactions have too.
func faulty(s storage.Store, wrap func(storage.Store) storage.Store) storage.Store {
	if wrap == nil {
		return s
	}
	return wrap(&rewrapping{s, wrap})
}

type rewrapping struct {
	storage.Store
	wrap func(storage.Store) storage.Store
}

func (r *rewrapping) Unwrap() storage.Store { return r.Store }

func (r *rewrapping) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	return r.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error { return fn(ctx, faulty(tx, r.wrap)) })
}

// everyone is all customers of a store.
func everyone(ctx context.Context, s storage.Store) ([]storage.Customer, error) {
	return s.Customers(ctx, storage.CustomerQuery{Page: storage.Page{Limit: 1000}})
}

var faults = func() map[string]fault {
	all := maps.Clone(coreFaults)
	maps.Copy(all, billingFaults)
	maps.Copy(all, agentFaults)
	return all
}()

var coreFaults = map[string]fault{
	"Keys forgets the customer":           {"Run/ForeignCustomer", func(s storage.Store) storage.Store { return keysOfAll{s} }},
	"UpdateKey forgets the customer":      {"Run/ForeignCustomer", func(s storage.Store) storage.Store { return updateKeyOfAll{s} }},
	"DeleteDocument forgets the customer": {"Run/ForeignCustomer", func(s storage.Store) storage.Store { return deleteDocumentOfAll{s} }},
	"an event makes its customer":         {"Run/ForeignCustomer", func(s storage.Store) storage.Store { return makesCustomers{s} }},
	"identifiers ignore case":             {"Run/Identifiers", func(s storage.Store) storage.Store { return ignoresCase{s} }},
	"lists are oldest first":              {"Run/Order", func(s storage.Store) storage.Store { return oldestFirst{s} }},
	"Before is included":                  {"Run/Paging", func(s storage.Store) storage.Store { return beforeIncluded{s} }},
	"no limit is the default one":         {"Run/Paging", func(s storage.Store) storage.Store { return limitless{s} }},
	"pages are found by counting":         {"Run/Paging", func(s storage.Store) storage.Store { return &counting{Store: s, offsets: map[string]int{}} }},
	"times are kept to the millisecond":   {"Run/Times", func(s storage.Store) storage.Store { return milliseconds{s} }},
	"times are rounded":                   {"Run/Times", func(s storage.Store) storage.Store { return rounds{s} }},
	"times come back in local time":       {"Run/Times", func(s storage.Store) storage.Store { return localTime{s} }},
	"NUL bytes are stripped":              {"Run/Text", func(s storage.Store) storage.Store { return stripsNUL{s} }},
	"searching takes any text":            {"Run/Text", func(s storage.Store) storage.Store { return repairsSearch{s} }},
	"any JSON is taken":                   {"Run/JSON", func(s storage.Store) storage.Store { return anyJSON{s} }},
	"records are shared with a cache":     {"Run/RecordsBelongToTheCaller", func(s storage.Store) storage.Store { return &caching{Store: s} }},
	"an ended context is ignored":         {"Run/EndedContext", func(s storage.Store) storage.Store { return ignoresContext{s} }},
	"Ping asks nobody":                    {"Run/EndedContext", func(s storage.Store) storage.Store { return deafPing{s} }},

	"a taken name is swallowed":              {"Run/CreateCustomer", func(s storage.Store) storage.Store { return swallowsExists{s} }},
	"an empty name finds somebody":           {"Run/CustomerByName", func(s storage.Store) storage.Store { return emptyName{s} }},
	"an update returns what change made":     {"Run/UpdateCustomer", func(s storage.Store) storage.Store { return returnsChange{s} }},
	"a taken new name is some error":         {"Run/UpdateCustomerNames", func(s storage.Store) storage.Store { return unclear{s} }},
	"search has wildcards":                   {"Run/CustomersSearch", func(s storage.Store) storage.Store { return wildcards{s} }},
	"search finds parts of an ID":            {"Run/CustomersSearch", func(s storage.Store) storage.Store { return partsOfIDs{s} }},
	"absent customers have a state":          {"Run/CustomerStates", func(s storage.Store) storage.Store { return absentStates{s} }},
	"the state is not selected by":           {"Run/Customers", func(s storage.Store) storage.Store { return anyStatus{s} }},
	"expired keys are not listed":            {"Run/Keys", func(s storage.Store) storage.Store { return listsLiving{s} }},
	"deleting goes by the ID alone":          {"Run/DeleteDocument", func(s storage.Store) storage.Store { return deletesTwins{s} }},
	"a taken key is swallowed":               {"Run/CreateKey", func(s storage.Store) storage.Store { return swallowsExists{s} }},
	"expired keys are hidden":                {"Run/KeyByHash", func(s storage.Store) storage.Store { return hidesExpired{s} }},
	"deleting nothing succeeds":              {"Run/DeleteKey", func(s storage.Store) storage.Store { return deletesNothing{s} }},
	"only a thousand IDs are looked at":      {"Run/KeyStates", func(s storage.Store) storage.Store { return thousand{s} }},
	"the end of an entitlement is kept back": {"Run/KeyStates", func(s storage.Store) storage.Store { return endlessKeys{s} }},
	"a use goes back in time":                {"Run/TouchKeys", func(s storage.Store) storage.Store { return touchesAlways{s} }},
	"keys expire a moment early":             {"Run/DeleteExpiredKeys", func(s storage.Store) storage.Store { return expiresEarly{s} }},
	"event types ignore case":                {"Run/Events", func(s storage.Store) storage.Store { return typesIgnoreCase{s} }},
	"a taken event is swallowed":             {"Run/AppendEvent", func(s storage.Store) storage.Store { return swallowsExists{s} }},
	"a taken document is overwritten":        {"Run/CreateDocument", func(s storage.Store) storage.Store { return overwrites{s} }},
	"a failed change is stored":              {"Run/UpdateDocument", func(s storage.Store) storage.Store { return storesFailed{s} }},
	"documents of all kinds are listed":      {"Run/Documents", func(s storage.Store) storage.Store { return allKinds{s} }},

	"InTx never commits":                 {"Tx/TxCommits", func(s storage.Store) storage.Store { return neverCommits{s} }},
	"InTx is no transaction":             {"Tx/TxRollsBackOnError", func(s storage.Store) storage.Store { return noTx{s} }},
	"InTx has an error of its own":       {"Tx/TxRollsBackOnError", func(s storage.Store) storage.Store { return ownError{s} }},
	"InTx commits after a panic":         {"Tx/TxRollsBackOnPanic", func(s storage.Store) storage.Store { return commitsPanic{s} }},
	"InTx commits after its context":     {"Tx/TxRollsBackWhenTheContextEnds", func(s storage.Store) storage.Store { return ignoresContext{s} }},
	"a refusal ends the transaction":     {"Tx/TxIsUsableAfterARefusal", func(s storage.Store) storage.Store { return &poisoned{Store: s} }},
	"an inner transaction commits early": {"Tx/NestedTxJoins", func(s storage.Store) storage.Store { return commitsEarly{s} }},
	"an inner transaction is none":       {"Tx/NestedTxUndoesItsOwn", func(s storage.Store) storage.Store { return &flat{Store: s} }},

	"only one at a time may call":     {"Concurrent/EveryMethodAtOnce", func(s storage.Store) storage.Store { return &oneAtATime{Store: s} }},
	"updates are lost":                {"Concurrent/NoUpdateIsLost", func(s storage.Store) storage.Store { return losesUpdates{s} }},
	"two creators win":                {"Concurrent/OneCreatorWins", func(s storage.Store) storage.Store { return swallowsExists{s} }},
	"two deleters win":                {"Concurrent/OneDeleterWins", func(s storage.Store) storage.Store { return deletesNothing{s} }},
	"half a transaction is seen":      {"Concurrent/NoHalfTransactionIsSeen", func(s storage.Store) storage.Store { return noTx{s} }},
	"pages move while records arrive": {"Concurrent/PagingWhileRecordsArrive", func(s storage.Store) storage.Store { return &counting{Store: s, offsets: map[string]int{}} }},
	"only one at a time may touch":    {"Concurrent/TouchKeysTogether", func(s storage.Store) storage.Store { return &oneAtATime{Store: s} }},
	"waiting ignores the context":     {"Concurrent/WaitingEndsWithTheContext", func(s storage.Store) storage.Store { return ignoresContext{s} }},

	"records are lost when closed": {"Reopen/Read", nil},
}
