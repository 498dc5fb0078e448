package usage

// Sizes returns how much is remembered.
func (m *Meter) Sizes() (counters, blocks, refusals int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.counters), len(m.blocks), len(m.refusals)
}
