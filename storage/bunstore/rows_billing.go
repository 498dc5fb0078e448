package bunstore

import (
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/heycmo/heycmo-go/storage"
)

type accountRow struct {
	bun.BaseModel `bun:"table:billing_accounts,alias:a"`

	CustomerID  storage.CustomerID `bun:",pk"`
	Data        string
	Heard       int64
	Session     string
	DueAt       micros
	Lease       string
	LeasedUntil micros
	Failures    int
	ReadAt      micros
}

func newAccountRow(a storage.Account) (accountRow, error) {
	row := accountRow{
		CustomerID:  a.CustomerID,
		Data:        string(a.Data),
		Heard:       a.Heard,
		Session:     a.Session,
		DueAt:       micros(a.DueAt),
		Lease:       a.Lease,
		LeasedUntil: micros(a.LeasedUntil),
		Failures:    a.Failures,
		ReadAt:      micros(a.ReadAt),
	}
	if err := checkText("customer", string(a.CustomerID), "session", a.Session, "lease", a.Lease); err != nil {
		return row, err
	}
	return row, checkObject("data", a.Data)
}

func (r accountRow) record() storage.Account {
	return storage.Account{
		CustomerID:  r.CustomerID,
		Data:        json.RawMessage(r.Data),
		Heard:       r.Heard,
		Session:     r.Session,
		DueAt:       r.DueAt.time(),
		Lease:       r.Lease,
		LeasedUntil: r.LeasedUntil.time(),
		Failures:    r.Failures,
		ReadAt:      r.ReadAt.time(),
	}
}

type nameRow struct {
	bun.BaseModel `bun:"table:account_names,alias:n"`

	Name       string `bun:",pk"`
	CustomerID storage.CustomerID
}

type checkoutRow struct {
	bun.BaseModel `bun:"table:checkouts,alias:o"`

	ID          string             `bun:",pk"`
	CustomerID  storage.CustomerID `bun:",pk"`
	Session     []byte
	Nonce       []byte
	Request     string
	CreatedAt   micros
	ExpiresAt   micros
	ClaimableAt micros
	PaidAt      micros
	ClaimedAt   micros
	KeyID       storage.KeyID
}

func newCheckoutRow(c storage.Checkout) (checkoutRow, error) {
	row := checkoutRow{
		ID:          c.ID,
		CustomerID:  c.CustomerID,
		Session:     hash(c.Session),
		Nonce:       hash(c.Nonce),
		Request:     string(c.Request),
		CreatedAt:   micros(c.CreatedAt),
		ExpiresAt:   micros(c.ExpiresAt),
		ClaimableAt: micros(c.ClaimableAt),
		PaidAt:      micros(c.PaidAt),
		ClaimedAt:   micros(c.ClaimedAt),
		KeyID:       c.KeyID,
	}
	if err := checkText("id", c.ID, "customer", string(c.CustomerID), "keyId", string(c.KeyID)); err != nil {
		return row, err
	}
	return row, checkObject("request", c.Request)
}

func (r checkoutRow) record() storage.Checkout {
	c := storage.Checkout{
		ID:          r.ID,
		CustomerID:  r.CustomerID,
		Request:     json.RawMessage(r.Request),
		CreatedAt:   r.CreatedAt.time(),
		ExpiresAt:   r.ExpiresAt.time(),
		ClaimableAt: r.ClaimableAt.time(),
		PaidAt:      r.PaidAt.time(),
		ClaimedAt:   r.ClaimedAt.time(),
		KeyID:       r.KeyID,
	}
	copy(c.Session[:], r.Session)
	copy(c.Nonce[:], r.Nonce)
	return c
}

// hash returns what is stored of a hash that may be none: then NULL, which no
// hash is equal to.
func hash(h [32]byte) []byte {
	if h == [32]byte{} {
		return nil
	}
	return h[:]
}

type noticeRow struct {
	bun.BaseModel `bun:"table:notices,alias:n"`

	Provider   string `bun:",pk"`
	ID         string `bun:",pk"`
	Type       string
	CustomerID storage.CustomerID `bun:",nullzero"`
	CreatedAt  micros
	ReceivedAt micros
}

func newNoticeRow(n storage.Notice) (noticeRow, error) {
	return noticeRow{
		Provider:   n.Provider,
		ID:         n.ID,
		Type:       n.Type,
		CustomerID: n.Customer,
		CreatedAt:  micros(n.CreatedAt),
		ReceivedAt: micros(n.ReceivedAt),
	}, checkText("provider", n.Provider, "id", n.ID, "type", n.Type, "customer", string(n.Customer))
}

func (r noticeRow) record() storage.Notice {
	return storage.Notice{
		Provider:   r.Provider,
		ID:         r.ID,
		Type:       r.Type,
		Customer:   r.CustomerID,
		CreatedAt:  r.CreatedAt.time(),
		ReceivedAt: r.ReceivedAt.time(),
	}
}

type effectRow struct {
	bun.BaseModel `bun:"table:effects,alias:e"`

	ID         string `bun:",pk"`
	Kind       string
	CustomerID storage.CustomerID `bun:",nullzero"`
	Data       string
	CreatedAt  micros
	DueAt      micros
	Attempts   int
	Error      string
	DoneAt     micros
}

func newEffectRow(e storage.Effect) (effectRow, error) {
	row := effectRow{
		ID:         e.ID,
		Kind:       e.Kind,
		CustomerID: e.Customer,
		Data:       string(e.Data),
		CreatedAt:  micros(e.CreatedAt),
		DueAt:      micros(e.DueAt),
		Attempts:   e.Attempts,
		Error:      e.Error,
		DoneAt:     micros(e.DoneAt),
	}
	if err := checkText("id", e.ID, "kind", e.Kind, "customer", string(e.Customer), "error", e.Error); err != nil {
		return row, err
	}
	if len(e.ID) < 1 || len(e.ID) > 1000 {
		return row, storage.Invalid("id", "1 to 1,000 bytes")
	}
	return row, checkObject("data", e.Data)
}

func (r effectRow) record() storage.Effect {
	return storage.Effect{
		ID:        r.ID,
		Kind:      r.Kind,
		Customer:  r.CustomerID,
		Data:      json.RawMessage(r.Data),
		CreatedAt: r.CreatedAt.time(),
		DueAt:     r.DueAt.time(),
		Attempts:  r.Attempts,
		Error:     r.Error,
		DoneAt:    r.DoneAt.time(),
	}
}

type reservationRow struct {
	bun.BaseModel `bun:"table:reservations,alias:r"`

	CustomerID storage.CustomerID `bun:",pk"`
	ID         string             `bun:",pk"`
	Metric     string
	Source     string
	Period     instant
	Units      int64
	Used       int64
	Done       bool // what was not used has been given back
	CreatedAt  micros
	Until      micros
}

func newReservationRow(r storage.Reservation) (reservationRow, error) {
	row := reservationRow{
		CustomerID: r.CustomerID,
		ID:         r.ID,
		Metric:     r.Metric,
		Source:     r.Source,
		Period:     newInstant(r.Period),
		Units:      r.Units,
		CreatedAt:  micros(r.CreatedAt),
		Until:      micros(r.Until),
	}
	if r.Units < 1 {
		return row, storage.Invalid("units", "at least 1")
	}
	return row, checkText("customer", string(r.CustomerID), "id", r.ID, "metric", r.Metric, "source", r.Source)
}

type countRow struct {
	bun.BaseModel `bun:"table:usage_counts,alias:u"`

	CustomerID storage.CustomerID `bun:",pk"`
	Metric     string             `bun:",pk"`
	Period     instant            `bun:",pk"`
	Used       int64
	Held       int64
	Reported   int64
}

func (r countRow) record() storage.Count {
	return storage.Count{
		CustomerID: r.CustomerID,
		Metric:     r.Metric,
		Period:     r.Period.time(),
		Used:       r.Used,
		Reported:   r.Reported,
	}
}

type dayRow struct {
	bun.BaseModel `bun:"table:usage_days,alias:d"`

	CustomerID storage.CustomerID `bun:",pk"`
	Day        instant            `bun:",pk"`
	Metric     string             `bun:",pk"`
	Source     string             `bun:",pk"`
	Used       int64
}

func (r dayRow) record() storage.DayUsage {
	return storage.DayUsage{Day: r.Day.time(), Metric: r.Metric, Source: r.Source, Used: r.Used}
}

// instant is a time in a key, which can't be NULL: microseconds since 1970 in
// UTC, also when it is zero.
type instant int64

func newInstant(t time.Time) instant { return instant(t.UnixMicro()) }

// dayOf returns the beginning of the day of t.
func dayOf(t time.Time) instant { return newInstant(t.UTC().Truncate(24 * time.Hour)) }

func (i instant) time() time.Time { return time.UnixMicro(int64(i)).UTC() }
