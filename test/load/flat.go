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
	streams   int  // idle ones beside the calls
	control   bool // is the same as the first and shows how exact the ratios are
}

func (s *settings) crowds() []crowd {
	few, some := min(10, s.customers), min(1_000, s.customers)
	return []crowd{
		{name: fmt.Sprintf("%d customers", few), customers: few},
		{name: fmt.Sprintf("%d customers, once more", few), customers: few, control: true},
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
			good = reportFlat(t, over.name, crowds[i], sides[0], x) && good
		}
	}
	fmt.Fprintf(s.out, "\n### Many customers and idle streams\n\nOurs, %d connections with one call in flight each, spread over all customers; %d rounds of %v for each server in turn. "+
		"Ratios are to the first line; the second is the same once more, and shows how exact they are.\n\n", s.conns, s.rounds, s.round)
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

func reportFlat(t *table, calls string, c crowd, first, x *side) bool {
	all, firstAll := x.together(), first.together()
	against := func(share float64) float64 {
		return all.percentile(share).Seconds() / firstAll.percentile(share).Seconds()
	}
	rate, middle, slow := median(ratios(x, first, sample.rate)), against(0.5), against(0.99)
	ok := rate >= 1-flatNeed && middle <= 1+flatNeed && slow <= 1+flatNeed
	need, said := fmt.Sprintf("within %.0f %%", 100*flatNeed), verdict(ok)
	if x == first || c.control {
		need, said, ok = "", "", true
	}
	t.row(calls, c.name, count(each(x, sample.rate)), fmt.Sprintf("**%.2f**", rate),
		millis(all.percentile(0.5)), fmt.Sprintf("%.2f", middle), millis(all.percentile(0.99)), fmt.Sprintf("%.2f", slow), need, said,
		micros(each(x, sample.cost)), fmt.Sprintf("%.2f", median(ratios(x, first, sample.cost))))
	return ok
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
	posts, err := dial(s.Address)
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
	posts, err := dial(s.Address)
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
