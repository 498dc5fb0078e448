package usage

import (
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

const (
	// hold is how long the store sets the units of a block aside at a time. It is
	// made longer for calls that are running when less than renewal is left.
	hold    = time.Minute
	renewal = 20 * time.Second
	// pace is how long a block should last, and how long it may lie idle.
	pace = 20 * time.Second
)

// block is a number of units that are handed out to calls. Of a metric without a
// limit it has no end of them.
type block struct {
	key
	id        string
	allowance Allowance
	// scarce says that little was left besides.
	scarce bool
	units  int64 // set aside
	used   int64 // by calls that have ended
	held   int64 // by calls that are running
	opened time.Time
	taken  time.Time // when the last units were
	end    time.Time // when no more are handed out, because another day or period begins
	until  time.Time // when the store gives back what isn't used; zero: it doesn't know the block
	stored int64     // what the store knows to be used
	closed bool      // nothing is handed out any more
}

// newBlock returns a block of no units.
func newBlock(k key, a Allowance, now time.Time) *block {
	b := &block{key: k, id: "block:" + storage.NewID(), allowance: a, opened: now, taken: now}
	b.end = now.Truncate(24*time.Hour).AddDate(0, 0, 1) // midnight UTC
	if end := a.Period.End; !end.IsZero() && end.Before(b.end) {
		b.end = end
	}
	if end := now.Add(hold); !b.limited() && end.Before(b.end) {
		b.end = end // time to ask whether there is a limit now
	}
	return b
}

func (b *block) limited() bool { return b.allowance.Limit >= 0 }

// reservation is how the store knows the block.
func (b *block) reservation(units int64, now time.Time) storage.Reservation {
	return storage.Reservation{
		CustomerID: b.customer, ID: b.id, Metric: b.metric, Source: b.source, Period: b.allowance.Period.Start,
		Units: units, CreatedAt: b.opened, Until: now.Add(hold),
	}
}

func (b *block) left() int64 { return b.units - b.used - b.held }

// has reports whether the block can hand out units now.
func (b *block) has(units int64, now time.Time) bool {
	if b.closed || !now.Before(b.end) {
		return false
	}
	return !b.limited() || b.left() >= units && now.Before(b.until)
}

func (b *block) take(units int64, now time.Time) {
	b.held += units
	b.taken = now
}

// over reports whether nothing should be handed out any more.
func (b *block) over(now time.Time) bool {
	if b.closed || !now.Before(b.end) {
		return true
	}
	if !b.limited() || b.held > 0 {
		return false
	}
	idle := pace
	if b.scarce {
		idle = flushInterval
	}
	return b.left() <= 0 || now.Sub(b.taken) >= idle
}

// use returns what the store should know now, and whether it doesn't yet.
func (b *block) use(now time.Time) (u storage.Use, news bool) {
	u = storage.Use{CustomerID: b.customer, ID: b.id, Used: b.used, Done: b.closed && b.held == 0}
	if b.limited() && b.held > 0 && b.until.Sub(now) < renewal {
		u.Until = now.Add(hold)
	}
	return u, u.Done || u.Used > b.stored || !u.Until.IsZero()
}
