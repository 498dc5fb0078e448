package heycmo_test

import (
	"errors"
	"testing"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage"
)

func TestAccount(t *testing.T) {
	admin := newServer(t, &heycmo.Options{Billing: &heycmo.Billing{Plans: []billing.Plan{{ID: "pro", Name: "Pro"}}}}).Admin()
	p, err := admin.Provision(t.Context(), heycmo.NewCustomer{Email: "ada@example.com", Plan: "pro"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := admin.Account(t.Context(), p.Customer.ID)
	if err != nil || !a.Granted || a.Plan != "pro" {
		t.Errorf("%+v %v", a, err)
	}
	if _, err := admin.Account(t.Context(), "nobody"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a stranger: %v", err)
	}
	if _, err := newServer(t, nil).Admin().Account(t.Context(), p.Customer.ID); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("without billing: %v", err)
	}
}
