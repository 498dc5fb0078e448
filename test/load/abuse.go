package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"time"
)

// Who is there while the server is abused.
const (
	goodCount = 120
	badCount  = 20 // abusers of each kind, with keys of their own
)

// abuseProcs is the server's GOMAXPROCS, the least that Go takes by itself on
// machines with several cores, in containers with a limit too. With 1, Go looks
// at the network only when nothing else wants to run, and calls that compute keep
// everybody else waiting.
const abuseProcs = 2

// abuse measures whether good customers feel it when others misbehave.
func abuse(ctx context.Context, s *settings) (ok bool, err error) {
	x, err := s.start(ctx, serverConfig{Customers: goodCount + badCount*len(attacks()), Limits: true, Procs: abuseProcs})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, x.end()) }()
	// The client plays everybody, and must not make them wait for one another.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	addresses := sources(x.Address)
	good, err := openGood(x, x.Customers[:goodCount], addresses)
	if err != nil {
		return false, err
	}
	defer closeAll(good.callers)
	gang := &gang{server: x, bad: x.Customers[goodCount:], victims: good.streams(), sources: addresses}
	r := abuseReport{addresses: len(addresses)}

	// What is done for the first time brings code and buffers into memory that
	// stay there; that is no trace of abuse.
	warming, stop := context.WithTimeout(ctx, s.duration/20)
	defer stop()
	gang.attack(warming, s.attack)

	// Good customers are alone before and after, so that a machine that gets
	// busier or less busy doesn't look like the work of the abuse.
	if err := r.alone(ctx, s, good); err != nil {
		return false, err
	}
	if r.quiet, err = x.settle(); err != nil {
		return false, err
	}
	if err := r.together(ctx, s, good, gang); err != nil {
		return false, err
	}
	if r.after, err = x.settleTo(r.quiet.Goroutines); err != nil {
		return false, err
	}
	if err := r.alone(ctx, s, good); err != nil {
		return false, err
	}
	return r.print(s), nil
}

// alone has the good customers call without any abuse.
func (r *abuseReport) alone(ctx context.Context, s *settings, good *goodCustomers) error {
	fmt.Fprintf(s.progress, "abuse: %v without any\n", s.duration/4)
	calm, failed := good.call(ctx, s.duration/4)
	r.before.calls += calm.calls
	r.before.elapsed += calm.elapsed
	r.before.latencies = append(r.before.latencies, calm.latencies...)
	r.failed = append(r.failed, failed...)
	return ctx.Err()
}

// together has the good customers call while the gang attacks.
func (r *abuseReport) together(ctx context.Context, s *settings, good *goodCustomers, gang *gang) error {
	fmt.Fprintf(s.progress, "abuse: %v with it\n", s.duration)
	if s.profile != "" {
		if err := gang.server.beginProfile(s.profile, "abuse"); err != nil {
			return err
		}
	}
	attacking, stop := context.WithTimeout(ctx, s.duration)
	defer stop()
	tallies, peaks := make(chan []*tally, 1), make(chan peak, 1)
	clientBefore := cpuTime()
	go func() { tallies <- gang.attack(attacking, s.attack) }()
	go func() { peaks <- watch(attacking, gang.server) }()
	var failed []error
	r.during, failed = good.call(ctx, s.duration)
	stop()
	r.failed = append(r.failed, failed...)
	r.bad, r.most = <-tallies, <-peaks
	r.during.client = cpuTime() - clientBefore
	_, err := gang.server.ask(request{EndProfile: true})
	return errors.Join(r.most.err, err, ctx.Err())
}

// peak is the most that the server took at any time, and how busy it was.
type peak struct {
	figures
	busy float64 // of its core
	err  error
}

// watch takes the figures each half second until ctx ends.
func watch(ctx context.Context, s *server) peak {
	var most peak
	began := time.Now()
	first, err := s.ask(request{})
	if err != nil {
		return peak{err: err}
	}
	for {
		select {
		case <-ctx.Done():
			return most
		case <-time.After(500 * time.Millisecond):
		}
		f, err := s.ask(request{})
		if err != nil {
			return peak{err: err}
		}
		most.Resident, most.Goroutines = max(most.Resident, f.Resident), max(most.Goroutines, f.Goroutines)
		most.busy = (f.CPU - first.CPU).Seconds() / time.Since(began).Seconds()
	}
}

// sources returns the addresses from which this machine can reach the server as
// if it were several.
func sources(address string) []net.IP {
	var all []net.IP
	for i := range 8 {
		ip := net.IPv4(127, 0, 0, byte(2+i))
		if w, err := dialFrom(ip, address); err == nil {
			_ = w.Close()
			all = append(all, ip)
		}
	}
	if len(all) == 0 {
		all = []net.IP{nil}
	}
	return all
}
