package ratelimit

// Len returns how many keys are remembered.
func (m *Memory) Len() int { return len(m.buckets) }
