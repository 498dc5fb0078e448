package app

import (
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// Time is a time as clients see it: RFC 3339 in UTC with milliseconds, more
// exact ones cut off. Tagged omitzero, the zero time is left out.
type Time struct{ time.Time }

// MarshalJSON returns the time as a JSON string.
func (t Time) MarshalJSON() ([]byte, error) {
	return []byte(`"` + storage.FormatTime(t.Time) + `"`), nil
}
