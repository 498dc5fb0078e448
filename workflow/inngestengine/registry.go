package inngestengine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// registryKind is the kind of the documents of runs.
const registryKind = "inngest_run"

// The states of runs.
const (
	stateNew       = "new" // Inngest may not know of it yet
	stateRunning   = "running"
	stateCancelled = "cancelled"
	stateEnded     = "ended"
)

// kept is how long an ended run is remembered.
const kept = 30 * 24 * time.Hour

// registry knows which runs there are, and what was sent to them.
type registry struct {
	store storage.Store
	now   func() time.Time
}

// registered is the data of a run.
type registered struct {
	// Signals are what was sent, by name, in the order in which it came.
	Signals map[string][]json.RawMessage `json:"signals,omitempty"`
}

// wholeID names a run among those of all customers, without characters that an
// expression would have to escape.
func wholeID(customer storage.CustomerID, name, id string) string {
	return strings.Join([]string{url.QueryEscape(string(customer)), url.QueryEscape(name), url.QueryEscape(id)}, ":")
}

func documentID(name, id string) string {
	hash := sha256.Sum256([]byte(name + "\x00" + id))
	return hex.EncodeToString(hash[:16])
}

// create takes note of a run, and reports whether Inngest is to be told of it.
func (r *registry) create(ctx context.Context, customer storage.CustomerID, name, id string) (fresh bool, err error) {
	now := r.now()
	err = r.store.CreateDocument(ctx, storage.Document{
		CustomerID: customer, Kind: registryKind, ID: documentID(name, id), Status: stateNew, Data: encode(registered{}), CreatedAt: now, UpdatedAt: now,
	})
	if err == nil {
		return true, r.forgetOld(ctx, customer)
	}
	if !errors.Is(err, storage.ErrExists) {
		return false, err
	}
	d, err := r.store.Document(ctx, customer, registryKind, documentID(name, id))
	return d.Status == stateNew, err
}

// forgetOld deletes some of the customer's runs that ended long ago.
func (r *registry) forgetOld(ctx context.Context, customer storage.CustomerID) error {
	page, err := r.store.Documents(ctx, customer, storage.DocumentQuery{Kind: registryKind, Status: stateEnded, Page: storage.Page{Limit: 20}})
	if err != nil {
		return err
	}
	for _, d := range page {
		if r.now().Sub(d.UpdatedAt) < kept {
			continue
		}
		if err := r.store.DeleteDocument(ctx, customer, registryKind, d.ID); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	return nil
}

func (r *registry) change(ctx context.Context, customer storage.CustomerID, name, id string, change func(d *storage.Document, run *registered) error) error {
	_, err := r.store.UpdateDocument(ctx, customer, registryKind, documentID(name, id), func(d *storage.Document) error {
		var run registered
		if err := json.Unmarshal(d.Data, &run); err != nil {
			return err
		}
		if err := change(d, &run); err != nil {
			return err
		}
		d.Data, d.UpdatedAt = encode(run), r.now()
		return nil
	})
	return err
}

// sent says that Inngest knows of the run.
func (r *registry) sent(ctx context.Context, customer storage.CustomerID, name, id string) error {
	return r.change(ctx, customer, name, id, func(d *storage.Document, _ *registered) error {
		if d.Status == stateNew {
			d.Status = stateRunning
		}
		return nil
	})
}

// signal stores a signal for a run that has not ended, or returns ErrNotFound.
func (r *registry) signal(ctx context.Context, customer storage.CustomerID, name, id, signal string, payload json.RawMessage) error {
	if payload == nil {
		payload = json.RawMessage("null")
	}
	return r.change(ctx, customer, name, id, func(d *storage.Document, run *registered) error {
		if over(d.Status) {
			return storage.ErrNotFound
		}
		if run.Signals == nil {
			run.Signals = map[string][]json.RawMessage{}
		}
		run.Signals[signal] = append(run.Signals[signal], payload)
		return nil
	})
}

func over(status string) bool { return status == stateEnded || status == stateCancelled }

// cancel marks a run that has not ended, or returns ErrNotFound.
func (r *registry) cancel(ctx context.Context, customer storage.CustomerID, name, id string) error {
	return r.change(ctx, customer, name, id, func(d *storage.Document, _ *registered) error {
		if over(d.Status) {
			return storage.ErrNotFound
		}
		d.Status = stateCancelled
		return nil
	})
}

// end marks a run as over. Its signals are no longer needed.
func (r *registry) end(ctx context.Context, customer storage.CustomerID, name, id string) error {
	err := r.change(ctx, customer, name, id, func(d *storage.Document, run *registered) error {
		d.Status, run.Signals = stateEnded, nil
		return nil
	})
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}

// look returns the state of a run, and what was sent to it under a name.
func (r *registry) look(ctx context.Context, customer storage.CustomerID, name, id, signal string) (state string, sent []json.RawMessage, err error) {
	d, err := r.store.Document(ctx, customer, registryKind, documentID(name, id))
	if errors.Is(err, storage.ErrNotFound) {
		return stateCancelled, nil, nil // the customer is gone
	}
	if err != nil {
		return "", nil, err
	}
	var run registered
	if err := json.Unmarshal(d.Data, &run); err != nil {
		return "", nil, err
	}
	return d.Status, run.Signals[signal], nil
}
