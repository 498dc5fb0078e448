package heycmo

import "github.com/heycmo/heycmo-go/internal/usage"

// CountUsage has the host count what customers use.
func (s *Server) CountUsage(m *usage.Meter) { s.app.Usage = m }
