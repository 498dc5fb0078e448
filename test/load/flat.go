package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// flatNeed is how much slower calls may be than those of few customers.
const flatNeed = 0.15

// crowd is a server with many customers or streams.
type crowd struct {
	name      string
	customers int
	streams   int // idle ones beside the calls
}

func (s *settings) crowds() []crowd {
	few, some := min(10, s.customers), min(1_000, s.customers)
	return []crowd{
		{name: fmt.Sprintf("%d customers", few), customers: few},
		{name: fmt.Sprintf("%d customers, once more", few), customers: few},
		{name: fmt.Sprintf("%d customers", some), customers: some},
		{name: fmt.Sprintf("%d customers", s.customers), customers: s.customers},
		{name: fmt.Sprintf("%d customers, %d idle streams", some, s.customers/2), customers: some, streams: s.customers / 2},
	}
}

// flat measures whether calls get slower with the number of customers and of
// idle streams.
func flat(ctx context.Context, s *settings) (ok bool, err error) {
	var servers []*server
	defer func() {
		for _, x := range servers {
			err = errors.Join(err, x.end())
		}
	}()
	crowds := s.crowds()
	for _, c := range crowds {
		x, err := s.start(ctx, serverConfig{Customers: c.customers})
		if err != nil {
			return false, err
		}
		servers = append(servers, x)
		streams, err := openStreams(ctx, x, c.streams)
		if err != nil {
			return false, err
		}
		defer closeStreams(streams)
	}
	t := newTable("calls", "beside", "/s", "ratio", "p50", "ratio", "p99", "ratio", "should be", "", "CPU", "ratio")
	good := true
	for _, over := range []transport{overREST, overLegacy, overModern} {
		fmt.Fprintf(s.progress, "flat: %s\n", over.name)
		sides, err := playAll(ctx, s, servers, over)
		if err != nil {
			return false, fmt.Errorf("%s: %w", over.name, err)
		}
		for i, x := range sides {
			good = reportFlat(t, over.name, crowds[i], sides[0], sides[1], x) && good
		}
	}
	fmt.Fprintf(s.out, "\n### Many customers and idle streams\n\nOurs, %d connections with one call in flight each, spread over all customers; %d rounds of %v for each server in turn. "+
		"Ratios are to the first line; the second is the same once more, and what those two differ by is chance: it is allowed on top.\n\n", s.conns, s.rounds, s.round)
	t.print(s.out)
	return good, nil
}

// playAll has the servers play in turn, beginning with another one each time.
func playAll(ctx context.Context, s *settings, servers []*server, over transport) ([]*side, error) {
	var sides []*side
	for _, x := range servers {
		callers, err := openAll(x, over, s.conns)
		if err != nil {
			return nil, err
		}
		defer closeAll(callers)
		sides = append(sides, &side{server: x, callers: callers})
	}
	for i := range s.rounds + 1 {
		for j := range sides {
			if err := sides[(i+j)%len(sides)].play(ctx, s.round); err != nil {
				return nil, err
			}
		}
		if i == 0 { // warms up
			for _, x := range sides {
				x.samples = nil
			}
		}
	}
	if s.profile != "" {
		for i, x := range sides {
			if err := x.profile(ctx, s, fmt.Sprintf("flat-%d-%s", i+1, over.file)); err != nil {
				return nil, err
			}
		}
	}
	return sides, nil
}

// reportFlat judges x by first and by again, which is the same once more:
// whatever those two differ by is chance.
func reportFlat(t *table, calls string, c crowd, first, again, x *side) bool {
	rate, p50, p99 := against(first, x)
	rateAgain, p50Again, p99Again := against(first, again)
	ok := rate >= (1-flatNeed)*min(1, rateAgain) && p50 <= (1+flatNeed)*max(1, p50Again) && p99 <= (1+flatNeed)*max(1, p99Again)
	need, said := fmt.Sprintf("within %.0f %%", 100*flatNeed), verdict(ok)
	if x == first || x == again {
		need, said, ok = "", "", true
	}
	all := x.together()
	t.row(calls, c.name, count(each(x, sample.rate)), ratio(rate),
		millis(all.percentile(0.5)), fmt.Sprintf("%.2f", p50), millis(all.percentile(0.99)), fmt.Sprintf("%.2f", p99), need, said,
		micros(each(x, sample.cost)), fmt.Sprintf("%.2f", median(ratios(x, first, sample.cost))))
	return ok
}

// against returns the ratios of x to first: of calls a second, and of latencies
// over all rounds.
func against(first, x *side) (rate, p50, p99 float64) {
	a, b := x.together(), first.together()
	of := func(share float64) float64 { return a.percentile(share).Seconds() / b.percentile(share).Seconds() }
	return median(ratios(x, first, sample.rate)), of(0.5), of(0.99)
}

// together returns all rounds as one.
func (s *side) together() sample {
	var all sample
	for _, x := range s.samples {
		all.latencies = append(all.latencies, x.latencies...)
	}
	return all
}

// openStreams opens n idle streams, spread over the customers.
func openStreams(ctx context.Context, s *server, n int) ([]*sse, error) {
	posts, err := s.dial()
	if err != nil {
		return nil, err
	}
	defer posts.Close()
	streams := make([]*sse, 0, n)
	for i := range n {
		x, err := openStream(s, s.Customers[i%len(s.Customers)], posts)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			closeStreams(streams)
			return nil, fmt.Errorf("stream %d: %w", i, err)
		}
		streams = append(streams, x)
	}
	return streams, nil
}

func closeStreams(streams []*sse) {
	for _, x := range streams {
		_ = x.stream.Close()
	}
}

// stillOpen checks that a hundred of the streams answer.
func stillOpen(s *server, streams []*sse) error {
	posts, err := s.dial()
	if err != nil {
		return err
	}
	defer posts.Close()
	for i := 0; i < len(streams); i += max(1, len(streams)/100) {
		x := streams[i]
		x.posts = posts
		x.until(time.Now().Add(grace))
		if err := x.call(firstID); err != nil {
			return fmt.Errorf("stream %d is not open any more: %w", i, err)
		}
	}
	return nil
}
