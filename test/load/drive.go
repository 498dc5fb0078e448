package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// grace is how long the last call of a round may take.
const grace = 10 * time.Second

// sample is what one round gave.
type sample struct {
	calls          int
	elapsed        time.Duration
	server, client time.Duration // processor time
	latencies      []time.Duration
}

func (s sample) rate() float64 { return float64(s.calls) / s.elapsed.Seconds() }

// cost is the server's processor time for a call, in microseconds.
func (s sample) cost() float64 { return float64(s.server.Microseconds()) / float64(s.calls) }

// percentile returns the latency that this share of calls did not exceed.
func (s sample) percentile(share float64) time.Duration {
	if len(s.latencies) == 0 {
		return 0
	}
	slices.Sort(s.latencies)
	return s.latencies[min(len(s.latencies)-1, int(share*float64(len(s.latencies))))]
}

// drive has all callers call one after the other, each with one call in flight,
// for as long as d. Every answer is checked; a wrong one is an error.
func drive(ctx context.Context, s *server, callers []caller, d time.Duration) (sample, error) {
	before, err := s.ask(request{})
	if err != nil {
		return sample{}, err
	}
	clientBefore, began := cpuTime(), time.Now()
	end := began.Add(d)
	each := make([]sample, len(callers))
	errs := make([]error, len(callers))
	var running sync.WaitGroup
	for i, c := range callers {
		running.Go(func() {
			each[i], errs[i] = callUntil(ctx, c, end)
		})
	}
	running.Wait()
	all := sample{elapsed: time.Since(began), client: cpuTime() - clientBefore}
	after, err := s.ask(request{})
	if err != nil {
		return sample{}, err
	}
	all.server = after.CPU - before.CPU
	for i := range each {
		if errs[i] != nil {
			return all, fmt.Errorf("caller %d, after %d calls: %w", i, each[i].calls, errs[i])
		}
		all.calls += each[i].calls
		all.latencies = append(all.latencies, each[i].latencies...)
	}
	return all, ctx.Err()
}

func callUntil(ctx context.Context, c caller, end time.Time) (sample, error) {
	var s sample
	c.until(end.Add(grace))
	defer c.until(time.Time{})
	for now := time.Now(); now.Before(end) && ctx.Err() == nil; {
		if err := c.call(firstID + s.calls); err != nil {
			return s, err
		}
		after := time.Now()
		s.latencies = append(s.latencies, after.Sub(now))
		now = after
		s.calls++
	}
	return s, nil
}

// openAll opens n callers, between which the customers are divided.
func openAll(s *server, t transport, n int) ([]caller, error) {
	shares := make([][]customer, n)
	for i := range max(n, len(s.Customers)) {
		shares[i%n] = append(shares[i%n], s.Customers[i%len(s.Customers)])
	}
	var callers []caller
	for _, share := range shares {
		c, err := t.open(s, share)
		if err != nil {
			closeAll(callers)
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		callers = append(callers, c)
	}
	return callers, nil
}

func closeAll(callers []caller) {
	for _, c := range callers {
		c.close()
	}
}
