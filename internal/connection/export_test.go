package connection

import "time"

// SetClock gives a Service another clock.
func SetClock(s *Service, now func() time.Time) { s.now = now }
