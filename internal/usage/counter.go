package usage

import (
	"math"
	"time"
)

const (
	// firstCalls and maxCalls are for how many calls a block is made, at first and at
	// most. Setting one aside takes as long as ten or twenty calls.
	firstCalls, maxCalls = 8, 4096
	// share is the part of what is left that a block may take.
	share = 8
	// forget is how long a counter is remembered without a block.
	forget = 10 * time.Minute
)

// counter has the block from which the units of one key are taken, and what is known
// for the next one.
type counter struct {
	block     *block   // may be nil
	filling   *filling // nil: nobody opens a block now
	allowance *Allowance
	opened    time.Time // when the last block was
	calls     int64     // for which it was made
	left      int64     // of the limit, besides it; unknown is much
}

const unknown = math.MaxInt64

// filling is the opening of a block.
type filling struct {
	done chan struct{} // closed when it is over
	err  error         // what everybody who waited gets, unless they should look again
}

func (m *Meter) counter(k key) *counter {
	c := m.counters[k]
	if c == nil {
		c = &counter{left: unknown}
		m.counters[k] = c
	}
	return c
}

// nextCalls returns for how many calls to make the next block.
func (c *counter) nextCalls(now time.Time) int64 {
	switch lasted := now.Sub(c.opened); {
	case c.calls == 0:
		return firstCalls
	case lasted < pace:
		return min(2*c.calls, maxCalls)
	case lasted > 2*pace:
		return max(c.calls/2, 1)
	}
	return c.calls
}

func (c *counter) forgotten(now time.Time) bool {
	return c.block == nil && c.filling == nil && now.Sub(c.opened) > forget
}
