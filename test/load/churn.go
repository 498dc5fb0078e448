package main

import (
	"context"
	"fmt"
	"time"
)

// leftNeed is how much of the heap a session that is gone may have taken with
// it, in bytes.
const leftNeed = 100

// goodbye is a way for a session to come and go.
type goodbye struct {
	name string
	do   func(s *server, c customer, posts *wire) error
}

var (
	overSSEAndAway = goodbye{"SSE: connect, initialize, disconnect", sseAndAway}
	goodbyes       = []goodbye{
		overSSEAndAway,
		{"/mcp: initialize, initialized, DELETE", deleteSession},
		{"/mcp: initialize, initialized, disconnect", leaveSession},
	}
)

func sseAndAway(s *server, c customer, posts *wire) error {
	x, err := openStream(s, c, posts)
	if err != nil {
		return err
	}
	return x.stream.Close()
}

func deleteSession(s *server, c customer, _ *wire) error {
	w, err := s.dial()
	if err != nil {
		return err
	}
	defer w.Close()
	header, err := openSession(w, c)
	if err != nil {
		return err
	}
	r, err := w.do(httpRequest("DELETE", "/mcp", header, ""))
	if err == nil && r.status/100 != 2 {
		err = fmt.Errorf("DELETE: status %d: %.200q", r.status, r.body)
	}
	return err
}

func leaveSession(s *server, c customer, _ *wire) error {
	w, err := s.dial()
	if err != nil {
		return err
	}
	defer w.Close()
	_, err = openSession(w, c)
	return err
}

// warmCycles is how many sessions come and go before it counts: more than mcp-go
// is let remember.
func (s *settings) warmCycles() int { return s.cycles / 2 }

func churnTable(ctx context.Context, s *settings, ours *server) (*table, bool, error) {
	t := newTable("session", "goroutines left", "heap left each", "should be", "")
	good := true
	for _, g := range goodbyes {
		fmt.Fprintf(s.progress, "memory: %s\n", g.name)
		if err := cycle(ctx, ours, s.warmCycles(), g); err != nil {
			return nil, false, err
		}
		before, err := ours.settle()
		if err != nil {
			return nil, false, err
		}
		if err := cycle(ctx, ours, s.cycles, g); err != nil {
			return nil, false, err
		}
		after, err := ours.settleTo(before.Goroutines)
		if err != nil {
			return nil, false, err
		}
		goroutines, each := after.Goroutines-before.Goroutines, float64(after.Heap-before.Heap)/float64(s.cycles)
		ok := goroutines <= 0 && each < leftNeed
		good = good && ok
		t.row(g.name, fmt.Sprint(max(0, goroutines)), fmt.Sprintf("%.0f bytes", each), fmt.Sprintf("0, < %d bytes", leftNeed), verdict(ok))
	}
	return t, good, nil
}

// cycle has n sessions come and go, one after the other.
func cycle(ctx context.Context, s *server, n int, g goodbye) error {
	posts, err := s.dial()
	if err != nil {
		return err
	}
	defer posts.Close()
	for i := range n {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := g.do(s, s.Customers[i%min(16, len(s.Customers))], posts); err != nil {
			return fmt.Errorf("%s, session %d: %w", g.name, i, err)
		}
	}
	return nil
}

// settleTimeout is how long the server gets to notice that clients have gone.
const settleTimeout = 5 * time.Second

// settle takes the figures once the server has had a while to come to rest.
func (s *server) settle() (figures, error) {
	time.Sleep(s.pause)
	return s.ask(request{Settle: true})
}

// settleTo takes the figures once there are no more than this many goroutines,
// or after a while.
func (s *server) settleTo(goroutines int) (figures, error) {
	for end := time.Now().Add(settleTimeout); ; {
		f, err := s.settle()
		if err != nil || f.Goroutines <= goroutines || time.Now().After(end) {
			return f, err
		}
	}
}
