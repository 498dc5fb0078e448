package memory

import "time"

// SetNow makes it a time for m.
func SetNow(m *Memory, now time.Time) { m.now = func() time.Time { return now } }
