package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// contest is one measure of ours beside a peer's.
type contest struct {
	what string
	transport
	peer string
	need float64 // the ratio of calls a second that ours should have
}

func contests() []contest {
	return []contest{
		{"SSE, tool call", overSSE, "mcp-go", 1.2},
		{"Streamable HTTP, tool call, " + legacyVersion, overLegacy, "mcp-go", 0.9},
		{"Streamable HTTP, tool call, " + modernVersion, overModern, "mcp-go", 0.9},
		{"GET /api/customer/{id}", overREST, "net/http", 0.5},
	}
}

// side is one of the two that a contest compares.
type side struct {
	*server
	callers []caller
	samples []sample
}

func (s *side) play(ctx context.Context, d time.Duration) error {
	played, err := drive(ctx, s.server, s.callers, d)
	s.samples = append(s.samples, played)
	return err
}

// compare measures calls a second of ours and of bare servers in turn.
func compare(ctx context.Context, s *settings) (ok bool, err error) {
	ours, err := s.start(ctx, serverConfig{Customers: s.conns, Log: s.log})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, ours.end()) }()
	bare, err := s.start(ctx, serverConfig{Bare: true})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, bare.end()) }()

	t := newTable("calls", "ours /s", "peer /s", "ratio", "of rounds", "should be", "", "CPU ours", "CPU peer", "ratio", "server busy", "client busy")
	good := true
	for _, c := range contests() {
		fmt.Fprintf(s.progress, "compare: %s\n", c.what)
		a, b, err := c.play(ctx, s, ours, bare)
		if err != nil {
			return false, fmt.Errorf("%s: %w", c.what, err)
		}
		good = c.report(t, a, b) && good
	}
	fmt.Fprintf(s.out, "\n### Calls\n\n%d rounds of %v for each side in turn, %d connections with one call in flight each. The peer is mcp-go or, for REST, net/http. %s\n\n",
		s.rounds, s.round, s.conns, logNote(s.log))
	t.print(s.out)
	return good, nil
}

func logNote(log bool) string {
	if log {
		return "Ours writes an access log, as heycmo-server does; the peer writes none."
	}
	return "Neither side writes an access log."
}

// play has both sides play in turn, the one that begins changing.
func (c contest) play(ctx context.Context, s *settings, ours, bare *server) (a, b *side, err error) {
	a, b = &side{server: ours}, &side{server: bare}
	for _, x := range []*side{a, b} {
		if x.callers, err = openAll(x.server, c.transport, s.conns); err != nil {
			return nil, nil, err
		}
		defer closeAll(x.callers)
	}
	for _, x := range []*side{a, b} {
		if err := x.play(ctx, s.round); err != nil { // warms up
			return nil, nil, err
		}
		x.samples = nil
	}
	for i := range s.rounds {
		order := []*side{a, b}
		if i%2 == 1 {
			order = []*side{b, a}
		}
		for _, x := range order {
			if err := x.play(ctx, s.round); err != nil {
				return nil, nil, err
			}
		}
	}
	if s.profile != "" {
		for _, x := range []*side{a, b} {
			if err := x.profile(ctx, s, x.nick()+"-"+c.file); err != nil {
				return nil, nil, err
			}
		}
	}
	return a, b, nil
}

// profile writes a processor profile of the server under the load of the callers.
func (s *side) profile(ctx context.Context, set *settings, name string) error {
	if err := s.beginProfile(set.profile, name); err != nil {
		return err
	}
	_, err := drive(ctx, s.server, s.callers, 10*set.round)
	_, ended := s.ask(request{EndProfile: true})
	return errors.Join(err, ended)
}

// nick is what the names of files call the server.
func (s *server) nick() string {
	if s.bare {
		return "peer"
	}
	return "ours"
}

// beginProfile begins a processor profile in the folder.
func (s *server) beginProfile(folder, name string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	_, err = s.ask(request{Profile: filepath.Join(folder, name+".pprof")})
	return err
}

func (c contest) report(t *table, a, b *side) bool {
	rates, costs := ratios(a, b, sample.rate), ratios(a, b, sample.cost)
	ratio := median(rates)
	low, high := extremes(rates)
	t.row(c.what, count(each(a, sample.rate)), count(each(b, sample.rate)),
		fmt.Sprintf("**%.2f**", ratio), fmt.Sprintf("%.2f–%.2f", low, high),
		fmt.Sprintf("≥ %.1f", c.need), verdict(ratio >= c.need),
		micros(each(a, sample.cost)), micros(each(b, sample.cost)), fmt.Sprintf("%.2f", median(costs)),
		shares(a, b, serverShare), shares(a, b, clientShare))
	return ratio >= c.need
}

// serverShare and clientShare are how much of its core each used. What the one
// that limits a round lacks to 100 % was taken by others on this machine.
func serverShare(s sample) float64 { return s.server.Seconds() / s.elapsed.Seconds() }
func clientShare(s sample) float64 { return s.client.Seconds() / s.elapsed.Seconds() }

func shares(a, b *side, share func(sample) float64) string {
	return fmt.Sprintf("%.0f %%, %.0f %%", 100*median(each(a, share)), 100*median(each(b, share)))
}

func each(s *side, figure func(sample) float64) []float64 {
	var all []float64
	for _, x := range s.samples {
		all = append(all, figure(x))
	}
	return all
}

// ratios returns the ratio of the figure in each round.
func ratios(a, b *side, figure func(sample) float64) []float64 {
	var all []float64
	for i := range a.samples {
		all = append(all, figure(a.samples[i])/figure(b.samples[i]))
	}
	return all
}
