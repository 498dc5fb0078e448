package outbox

import "time"

// Limit has handlers given up earlier.
func (w *Worker) Limit(d time.Duration) { w.limit = d }
