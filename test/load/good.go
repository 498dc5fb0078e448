package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// goodPace is how often a good customer calls: 25 times a minute, a little less
// than the host lets pass.
const goodPace = 2400 * time.Millisecond

// goodCustomers call at a steady rate, each on connections of their own.
type goodCustomers struct {
	callers []caller
	ids     []int // of the next call

	mu       sync.Mutex
	sample   sample
	failures []error
}

// openGood opens a caller for each customer, over the transports in turn. Half of
// them come from the addresses that abuse comes from.
func openGood(s *server, customers []customer, sources []net.IP) (*goodCustomers, error) {
	g := &goodCustomers{ids: make([]int, len(customers))}
	for i, c := range customers {
		over := []transport{overSSE, overLegacy, overModern, overREST}[i%4]
		from := s
		if i/4%2 == 1 {
			from = s.from(sources[i%len(sources)])
		}
		x, err := over.open(from, []customer{c})
		if err != nil {
			closeAll(g.callers)
			return nil, fmt.Errorf("%s: %w", over.name, err)
		}
		g.callers, g.ids[i] = append(g.callers, x), firstID
		// The server closes connections on which no request comes for 5 s.
		x.until(time.Now().Add(grace))
		if err := x.call(g.ids[i]); err != nil {
			closeAll(g.callers)
			return nil, fmt.Errorf("%s: %w", over.name, err)
		}
		g.ids[i]++
	}
	return g, nil
}

// streams returns the callers over SSE.
func (g *goodCustomers) streams() []*sse {
	var all []*sse
	for _, c := range g.callers {
		if x, ok := c.(*sse); ok {
			all = append(all, x)
		}
	}
	return all
}

// call has all of them call for as long as d, their turns spread evenly.
func (g *goodCustomers) call(ctx context.Context, d time.Duration) (sample, []error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	g.sample, g.failures = sample{}, nil
	began := time.Now()
	var running sync.WaitGroup
	for i := range g.callers {
		running.Go(func() {
			wait := time.NewTimer(goodPace * time.Duration(i) / time.Duration(len(g.callers)))
			defer wait.Stop()
			select {
			case <-ctx.Done():
				return
			case <-wait.C:
			}
			g.one(i)
			turns := time.NewTicker(goodPace)
			defer turns.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-turns.C:
					g.one(i)
				}
			}
		})
	}
	running.Wait()
	g.sample.elapsed = time.Since(began)
	return g.sample, g.failures
}

func (g *goodCustomers) one(i int) {
	c := g.callers[i]
	c.until(time.Now().Add(grace))
	began := time.Now()
	err := c.call(g.ids[i])
	took := time.Since(began)
	g.ids[i]++
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sample.calls++
	g.sample.latencies = append(g.sample.latencies, took)
	if err != nil {
		g.failures = append(g.failures, fmt.Errorf("customer %d: %w", i, err))
	}
}
