package storage

import (
	"time"

	"github.com/google/uuid"
)

// NewID returns a new UUIDv7 (RFC 9562, section 5.7). Later ones of one process
// are greater.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// FormatTime returns t as clients see times: RFC 3339 in UTC with milliseconds,
// more exact ones cut off.
func FormatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Now returns the present time as records keep it: in UTC, to the microsecond.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
