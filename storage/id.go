package storage

import (
	"time"

	"github.com/google/uuid"
)

// NewID returns a new UUIDv7 (RFC 9562, section 5.7). Later ones of one process
// are greater.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Now returns the present time as records keep it: in UTC, to the microsecond.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
