package app

import "time"

// Time is a time as clients see it: RFC 3339 in UTC with milliseconds, more
// exact ones cut off. Tagged omitzero, the zero time is left out.
type Time struct{ time.Time }

// MarshalJSON returns the time as a JSON string.
func (t Time) MarshalJSON() ([]byte, error) {
	return []byte(t.UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}
