package main

import (
	"context"
	"errors"
	"fmt"
)

// idleNeed is how much memory an idle stream of ours may take, in KiB.
const idleNeed = 12

// memory measures what idle streams take, and what sessions leave behind.
func memory(ctx context.Context, s *settings) (ok bool, err error) {
	ours, err := s.start(ctx, serverConfig{Customers: s.customers})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, ours.end()) }()
	bare, err := s.start(ctx, serverConfig{Bare: true})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, bare.end()) }()

	// What comes and goes is measured first, in a heap that is still small.
	left, leftOK, err := churnTable(ctx, s, ours)
	if err != nil {
		return false, err
	}
	idle, idleOK, err := idleTable(ctx, s, ours, bare)
	if err != nil {
		return false, err
	}
	fmt.Fprintf(s.out, "\n### Idle streams\n\n%d SSE sessions, of ours each with a customer of its own, opened and initialized; what the server's resident memory grew by, shared evenly. "+
		"Before it each customer has made a call, and %d streams have come and gone. What the kernel keeps for a connection is not in it.\n\n", s.customers, warmStreams)
	idle.print(s.out)
	fmt.Fprintf(s.out, "\n### Sessions that come and go\n\n%d sessions of ours, each on a connection of its own, after %d others as a warm-up; what is left in the heap after two collections.\n\n",
		s.cycles, s.warmCycles())
	left.print(s.out)
	return leftOK && idleOK, nil
}

// warmStreams is how many streams are opened and closed before it counts.
const warmStreams = 200

func idleTable(ctx context.Context, s *settings, ours, bare *server) (*table, bool, error) {
	t := newTable("server", "RSS each", "heap each", "goroutines each", "ratio", "should be", "")
	var each [2]idle
	for i, server := range []*server{ours, bare} {
		fmt.Fprintf(s.progress, "memory: idle streams, %s\n", server.name())
		if err := warm(ctx, server, s.customers); err != nil {
			return nil, false, err
		}
		var err error
		if each[i], err = measureIdle(ctx, server, s.customers); err != nil {
			return nil, false, fmt.Errorf("%s: %w", server.name(), err)
		}
	}
	a, b := each[0], each[1]
	ok := a.resident <= idleNeed
	t.row(ours.name(), kib(a.resident), kib(a.heap), fmt.Sprintf("%.2f", a.goroutines), fmt.Sprintf("**%.2f**", a.resident/b.resident),
		fmt.Sprintf("≤ %d KiB", idleNeed), verdict(ok))
	t.row(bare.name(), kib(b.resident), kib(b.heap), fmt.Sprintf("%.2f", b.goroutines), "1", "", "")
	return t, ok, nil
}

func kib(n float64) string { return fmt.Sprintf("%.1f KiB", n) }

// warm fills the caches of the server that have nothing to do with streams.
func warm(ctx context.Context, s *server, calls int) error {
	rest, err := openREST(s, s.Customers)
	if err != nil {
		return err
	}
	defer rest.close()
	for range calls {
		if err := rest.call(0); err != nil {
			return fmt.Errorf("warming up: %w", err)
		}
	}
	return cycle(ctx, s, warmStreams, overSSEAndAway)
}

// idle is what one idle stream takes, in KiB.
type idle struct{ resident, heap, goroutines float64 }

func measureIdle(ctx context.Context, s *server, n int) (idle, error) {
	before, err := s.settle()
	if err != nil {
		return idle{}, err
	}
	streams, err := openStreams(ctx, s, n)
	if err != nil {
		return idle{}, err
	}
	defer closeStreams(streams)
	after, err := s.settle()
	if err != nil {
		return idle{}, err
	}
	if err := stillOpen(s, streams); err != nil { // or the figure would mean nothing
		return idle{}, err
	}
	return idle{
		resident:   float64(after.Resident-before.Resident) / 1024 / float64(n),
		heap:       float64(after.Heap-before.Heap) / 1024 / float64(n),
		goroutines: float64(after.Goroutines-before.Goroutines) / float64(n),
	}, nil
}
