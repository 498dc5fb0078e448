package main

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"
)

// maxInFlight bounds how many attacks of a kind are under way.
const maxInFlight = 200

// gang misbehaves: some with keys of their own, some with none.
type gang struct {
	server  *server
	bad     []customer // with keys
	victims []*sse
	sources []net.IP
}

func (g *gang) abuser(turn int) customer { return g.bad[turn%len(g.bad)] }
func (g *gang) source(turn int) net.IP   { return g.sources[turn%len(g.sources)] }

// attack attacks in all ways at once, each at its rate, until ctx ends and all
// connections are closed.
func (g *gang) attack(ctx context.Context, only string) []*tally {
	var running sync.WaitGroup
	var tallies []*tally
	for i, a := range attacks() {
		if !strings.Contains(a.name, only) {
			continue
		}
		t := &tally{name: a.name, ends: map[string]int{}}
		tallies = append(tallies, t)
		// The limits of one kind must not hold up another.
		kind := *g
		kind.bad = g.bad[i*badCount : (i+1)*badCount]
		running.Go(func() { kind.repeat(ctx, a, t) })
	}
	running.Wait()
	return tallies
}

func (g *gang) repeat(ctx context.Context, a attack, t *tally) {
	turns := time.NewTicker(time.Duration(float64(time.Second) / a.perSecond))
	defer turns.Stop()
	places := make(chan struct{}, maxInFlight)
	var running sync.WaitGroup
	defer running.Wait()
	for turn := 0; ; turn++ {
		select {
		case <-ctx.Done():
			return
		case <-turns.C:
		}
		select {
		case places <- struct{}{}:
		default:
			t.add("not tried: too many are under way")
			continue
		}
		running.Go(func() {
			defer func() { <-places }()
			t.add(g.once(ctx, a, turn))
		})
	}
}

// once attacks on a connection of its own, which is closed when ctx ends.
func (g *gang) once(ctx context.Context, a attack, turn int) string {
	w, err := dialFrom(g.source(turn), g.server.Address)
	if err != nil {
		return "no connection"
	}
	defer w.Close()
	defer context.AfterFunc(ctx, func() { _ = w.Close() })()
	return a.do(ctx, g, w, turn)
}
