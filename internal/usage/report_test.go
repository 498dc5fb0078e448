package usage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/usage"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// Everybody's usage is reported at once, whatever is wrong with one of them, within
// the period in which it was used.
func TestReporting(t *testing.T) {
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	const many = 1100 // more than two batches
	began, before := storage.Now().Truncate(time.Hour), storage.Now().AddDate(0, -1, 0)
	err = store.InTx(t.Context(), func(ctx context.Context, tx storage.Store) error {
		ledger, _ := storage.RoleOf[storage.Ledger](tx)
		for i := range many {
			id := storage.CustomerID(fmt.Sprintf("c%04d", i))
			if err := tx.CreateCustomer(ctx, storage.Customer{ID: id, Status: storage.StatusActive}); err != nil {
				return err
			}
			r := storage.Reservation{CustomerID: id, ID: "r", Metric: "calls", Source: "tool", Period: before, Units: 2, CreatedAt: storage.Now()}
			if _, err := ledger.Reserve(ctx, r, -1); err != nil {
				return err
			}
			if err := ledger.Settle(ctx, []storage.Use{{CustomerID: id, ID: "r", Used: 2, Done: true}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	spoilt := errors.New("this one makes no sense")
	reporting := usage.Reporting{
		Store: store, Metrics: []string{"calls"}, Log: zap.NewNop(),
		Period: func(_ context.Context, id storage.CustomerID) (billing.Period, error) {
			if id == "c0003" {
				return billing.Period{}, spoilt
			}
			return billing.Period{Start: began, End: began.AddDate(0, 1, 0)}, nil
		},
	}
	if err := reporting.Collect(t.Context()); !errors.Is(err, spoilt) {
		t.Errorf("Collect says %v", err)
	}
	if err := reporting.Collect(t.Context()); !errors.Is(err, spoilt) { // and reports nothing twice
		t.Errorf("Collect says %v", err)
	}
	effects, err := store.TakeEffects(t.Context(), storage.Now(), storage.Now().Add(time.Hour), 2*many)
	if err != nil || len(effects) != many-1 {
		t.Fatalf("%d reports, %v, want %d", len(effects), err, many-1)
	}
	ids := map[string]bool{}
	for _, e := range effects {
		var r usage.Report
		if err := json.Unmarshal(e.Data, &r); err != nil {
			t.Fatal(err)
		}
		ids[r.ID] = true
		if e.Kind != usage.KindReport || r.Metric != "calls" || r.Quantity != 2 || !r.At.Equal(began.Add(-time.Second)) || len(r.ID) > 100 {
			t.Fatalf("the report is %+v", r)
		}
	}
	if len(ids) != len(effects) {
		t.Errorf("%d IDs for %d reports", len(ids), len(effects))
	}
}
