package bunstore

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/heycmo/heycmo-go/storage"
)

// The rows as they are in the tables. The fields marked pk are what a record is
// found by: the columns that it never changes and that name its owner.

type customerRow struct {
	bun.BaseModel `bun:"table:customers,alias:c"`

	ID             storage.CustomerID `bun:",pk"`
	ExternalID     string             `bun:",nullzero"`
	IdempotencyKey string             `bun:",nullzero"`
	Email          string
	Status         storage.Status
	BrandName      string
	Website        string
	Plan           string
	Onboarding     bool
	SuspendedAt    micros
	EntitledUntil  micros
	CreatedAt      micros
	UpdatedAt      micros
}

func newCustomerRow(c storage.Customer) (customerRow, error) {
	return customerRow{
			ID:             c.ID,
			ExternalID:     c.ExternalID,
			IdempotencyKey: c.IdempotencyKey,
			Email:          c.Email,
			Status:         c.Status,
			BrandName:      c.BrandName,
			Website:        c.Website,
			Plan:           c.Plan,
			Onboarding:     c.Onboarding,
			SuspendedAt:    micros(c.SuspendedAt),
			EntitledUntil:  micros(c.EntitledUntil),
			CreatedAt:      micros(c.CreatedAt),
			UpdatedAt:      micros(c.UpdatedAt),
		}, checkText("id", string(c.ID), "externalId", c.ExternalID, "idempotencyKey", c.IdempotencyKey,
			"email", c.Email, "status", string(c.Status), "brandName", c.BrandName,
			"website", c.Website, "plan", c.Plan)
}

func (r customerRow) record() storage.Customer {
	return storage.Customer{
		ID:             r.ID,
		ExternalID:     r.ExternalID,
		IdempotencyKey: r.IdempotencyKey,
		Email:          r.Email,
		Status:         r.Status,
		BrandName:      r.BrandName,
		Website:        r.Website,
		Plan:           r.Plan,
		Onboarding:     r.Onboarding,
		SuspendedAt:    r.SuspendedAt.time(),
		EntitledUntil:  r.EntitledUntil.time(),
		CreatedAt:      r.CreatedAt.time(),
		UpdatedAt:      r.UpdatedAt.time(),
	}
}

type keyRow struct {
	bun.BaseModel `bun:"table:api_keys,alias:k"`

	ID         storage.KeyID      `bun:",pk"`
	CustomerID storage.CustomerID `bun:",pk"`
	Name       string
	Hash       []byte
	LastFour   string
	CreatedAt  micros
	LastUsedAt micros
	ExpiresAt  micros
}

func newKeyRow(k storage.Key) (keyRow, error) {
	return keyRow{
		ID:         k.ID,
		CustomerID: k.CustomerID,
		Name:       k.Name,
		Hash:       k.Hash[:],
		LastFour:   k.LastFour,
		CreatedAt:  micros(k.CreatedAt),
		LastUsedAt: micros(k.LastUsedAt),
		ExpiresAt:  micros(k.ExpiresAt),
	}, checkText("id", string(k.ID), "customer", string(k.CustomerID), "name", k.Name, "lastFour", k.LastFour)
}

func (r keyRow) record() storage.Key {
	k := storage.Key{
		ID:         r.ID,
		CustomerID: r.CustomerID,
		Name:       r.Name,
		LastFour:   r.LastFour,
		CreatedAt:  r.CreatedAt.time(),
		LastUsedAt: r.LastUsedAt.time(),
		ExpiresAt:  r.ExpiresAt.time(),
	}
	copy(k.Hash[:], r.Hash)
	return k
}

type eventRow struct {
	bun.BaseModel `bun:"table:events,alias:e"`

	ID         storage.EventID `bun:",pk"`
	CustomerID storage.CustomerID
	Type       string
	Data       string
	CreatedAt  micros
}

func newEventRow(e storage.Event) (eventRow, error) {
	row := eventRow{
		ID:         e.ID,
		CustomerID: e.CustomerID,
		Type:       e.Type,
		Data:       string(e.Data),
		CreatedAt:  micros(e.CreatedAt),
	}
	if err := checkText("id", string(e.ID), "customer", string(e.CustomerID), "type", e.Type); err != nil {
		return row, err
	}
	return row, checkObject("data", e.Data)
}

func (r eventRow) record() storage.Event {
	return storage.Event{
		ID:         r.ID,
		CustomerID: r.CustomerID,
		Type:       r.Type,
		Data:       json.RawMessage(r.Data),
		CreatedAt:  r.CreatedAt.time(),
	}
}

type documentRow struct {
	bun.BaseModel `bun:"table:documents,alias:d"`

	CustomerID storage.CustomerID `bun:",pk"`
	Kind       string             `bun:",pk"`
	ID         string             `bun:",pk"`
	Status     string
	Data       string
	CreatedAt  micros
	UpdatedAt  micros
}

func newDocumentRow(d storage.Document) (documentRow, error) {
	row := documentRow{
		CustomerID: d.CustomerID,
		Kind:       d.Kind,
		ID:         d.ID,
		Status:     d.Status,
		Data:       string(d.Data),
		CreatedAt:  micros(d.CreatedAt),
		UpdatedAt:  micros(d.UpdatedAt),
	}
	if err := checkText("customer", string(d.CustomerID), "kind", d.Kind, "id", d.ID, "status", d.Status); err != nil {
		return row, err
	}
	return row, checkObject("data", d.Data)
}

func (r documentRow) record() storage.Document {
	return storage.Document{
		CustomerID: r.CustomerID,
		Kind:       r.Kind,
		ID:         r.ID,
		Status:     r.Status,
		Data:       json.RawMessage(r.Data),
		CreatedAt:  r.CreatedAt.time(),
		UpdatedAt:  r.UpdatedAt.time(),
	}
}

func checkObject(field string, data json.RawMessage) error {
	if !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) || !json.Valid(data) || !utf8.Valid(data) {
		return storage.Invalid(field, "a JSON object")
	}
	return nil
}

// micros is a time as it is stored: microseconds since 1970 in UTC, NULL when
// zero. Both databases order and compare such numbers alike.
type micros time.Time

// Value implements [driver.Valuer].
func (m micros) Value() (driver.Value, error) {
	if time.Time(m).IsZero() {
		return nil, nil
	}
	return time.Time(m).UnixMicro(), nil
}

// Scan implements [sql.Scanner].
func (m *micros) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*m = micros{}
	case int64:
		*m = micros(time.UnixMicro(v))
	default:
		return fmt.Errorf("a time is stored as %T", src)
	}
	return nil
}

// time returns m as a record holds it.
func (m micros) time() time.Time { return time.Time(m).UTC().Truncate(time.Microsecond) }
