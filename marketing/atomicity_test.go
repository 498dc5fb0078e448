package marketing_test

import (
	"context"
	"errors"
	"testing"

	"github.com/heycmo/heycmo-go/marketing"
	"github.com/heycmo/heycmo-go/storage"
)

var errNoEvents = errors.New("no events today")

// eventless is a store that can't append events.
type eventless struct{ storage.Store }

func (eventless) AppendEvent(context.Context, storage.Event) error { return errNoEvents }

func (s eventless) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	return s.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error { return fn(ctx, eventless{tx}) })
}

// TestNoChangeWithoutItsEvent: a change and its event are one transaction.
func TestNoChangeWithoutItsEvent(t *testing.T) {
	d := newDesk(t)
	id := d.call("save_content", draft("One"))["id"]
	catalog, err := marketing.New(eventless{d.store}, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.catalog = catalog
	for _, call := range []struct {
		tool string
		args object
	}{
		{"update_brand", object{"voice": "dry"}},
		{"update_brand", object{"brandName": "Acme"}},
		{"save_content", draft("Two")},
		{"save_content", with(draft("Two"), object{"id": id, "version": 1})},
		{"review_content", object{"id": id, "version": 1, "decision": "approve"}},
		{"log_event", object{"type": "lead.logged"}},
	} {
		before := d.everything()
		if _, err := d.try(t.Context(), call.tool, call.args); !errors.Is(err, errNoEvents) {
			t.Errorf("%s: %v, want %v", call.tool, err, errNoEvents)
		}
		if d.everything() != before {
			t.Errorf("%s changed something without an event", call.tool)
		}
	}
}
