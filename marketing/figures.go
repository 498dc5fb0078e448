package marketing

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// A brief's figures are about two periods of this length: the one that ends now,
// and the one before it.
const period = 30 * 24 * time.Hour

// figures says in lines what the account's records show. It is silent where they
// show nothing, and compares only with a period that was recorded in full.
func figures(now, accountBegan time.Time, content []report, ownKind func(piece) bool, log eventLog) []string {
	from, before := now.Add(-period), now.Add(-2*period)
	since, known := from, accountBegan // how far back pieces are known
	for _, r := range content {
		since, known = later(since, r.since), later(known, r.since)
	}
	var all, own cohort
	var earlier int
	for _, r := range content {
		for _, p := range r.pieces {
			switch {
			case !p.created.Before(since):
				all.add(p)
				if ownKind(p.piece) {
					own.add(p)
				}
			case !p.created.Before(before) && p.created.Before(from):
				earlier++
			}
		}
	}
	lines := all.lines(comparison(!known.After(before), earlier))
	if n := own.begun(); n > 0 && n < all.begun() {
		line := fmt.Sprintf("of your kind: %d begun", n)
		if own.decided > 0 {
			line += fmt.Sprintf(", %d of %d decided approved as first saved", own.atOnce, own.decided)
		}
		lines = append(lines, line)
	}
	if line := waiting(now, content); line != "" {
		lines = append(lines, line)
	}
	logged := log.lines(accountBegan, before)
	if loggedSince := later(from, log.since); !loggedSince.Equal(since) {
		return append(titled(since, now, lines), titled(loggedSince, now, logged)...)
	}
	return titled(since, now, append(lines, logged...))
}

// titled puts the period above the lines, if there are any.
func titled(since, now time.Time, lines []string) []string {
	if len(lines) == 0 {
		return nil
	}
	title := fmt.Sprintf("Recorded %s to %s, 30 days:", since.UTC().Format(time.DateOnly), now.UTC().Format(time.DateOnly))
	if now.Sub(since) < period {
		title = fmt.Sprintf("Recorded since %s, before which nothing was counted:", since.UTC().Format(time.DateOnly))
	}
	for i, line := range lines {
		lines[i] = "- " + line
	}
	return slices.Insert(lines, 0, title)
}

func comparison(complete bool, n int) string {
	if !complete {
		return ""
	}
	return fmt.Sprintf(" (%d in the 30 days before)", n)
}

// waiting says how long the drafts have waited, whenever they were begun.
func waiting(now time.Time, content []report) string {
	var oldest time.Time
	n, more := 0, ""
	for _, r := range content {
		if r.label != stateDraft {
			continue
		}
		n = len(r.pieces)
		if !r.since.IsZero() {
			more = " or more"
		}
		for _, p := range r.pieces {
			if oldest.IsZero() || p.changed.Before(oldest) {
				oldest = p.changed
			}
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("waiting for a decision: %d%s, the oldest for %s", n, more, inWords(now.Sub(oldest)))
}

// cohort are the pieces that were begun in a period.
type cohort struct {
	states           map[string]int
	decided          int // pieces about which something was decided
	atOnce           int // those whose first version was approved
	waits            []time.Duration
	revisions, worst int // versions after the first: of all, and the most of one
}

func (c *cohort) add(p reported) {
	if c.states == nil {
		c.states = map[string]int{}
	}
	c.states[p.State]++
	c.revisions += p.Version - 1
	c.worst = max(c.worst, p.Version-1)
	if len(p.history) == 0 {
		return
	}
	first := p.history[0]
	c.decided++
	if first.State == stateApproved && first.Version == 1 {
		c.atOnce++
	}
	if at, err := time.Parse(time.RFC3339, first.At); err == nil {
		c.waits = append(c.waits, max(at.Sub(p.created), 0))
	}
}

func (c *cohort) begun() int {
	n := 0
	for _, count := range c.states {
		n += count
	}
	return n
}

func (c *cohort) lines(comparison string) []string {
	n := c.begun()
	if n == 0 {
		return nil
	}
	var parts []string
	for _, state := range states {
		if c.states[state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.states[state], state))
		}
	}
	lines := []string{fmt.Sprintf("pieces begun: %d%s, now %s", n, comparison, strings.Join(parts, ", "))}
	if c.decided > 0 {
		lines = append(lines, fmt.Sprintf("approved as first saved: %d of %d decided", c.atOnce, c.decided))
	}
	if len(c.waits) > 0 {
		lines = append(lines, fmt.Sprintf("first draft to first decision: median %s, longest %s", inWords(median(c.waits)), inWords(slices.Max(c.waits))))
	}
	if c.revisions > 0 {
		lines = append(lines, fmt.Sprintf("versions after the first: %.1f for each piece, at most %d", float64(c.revisions)/float64(n), c.worst))
	}
	return lines
}

// median returns the middle one, or the mean of the two in the middle.
func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// inWords rounds to whole minutes, hours or days, whichever fits.
func inWords(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < 90*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

// eventLog counts what the customer logged, by type.
type eventLog struct {
	now, before map[string]int // in the period that ends now, and in the one before it
	since       time.Time      // what happened before was not counted; zero when both periods are covered
}

// How much of the event log a brief reads, and how many types of events it shows.
const (
	maxEvents      = 2000
	eventPage      = 500
	maxLoggedTypes = 5
)

func countEvents(ctx context.Context, store storage.Events, customer storage.CustomerID, now time.Time) (eventLog, error) {
	from, before := now.Add(-period), now.Add(-2*period)
	log := eventLog{now: map[string]int{}, before: map[string]int{}}
	q := storage.EventQuery{Page: storage.Page{Limit: eventPage}}
	for range maxEvents / eventPage {
		events, err := store.Events(ctx, customer, q)
		if err != nil {
			return eventLog{}, err
		}
		for _, e := range events {
			if e.CreatedAt.Before(before) {
				log.since = time.Time{}
				return log, nil
			}
			log.since, q.Before = e.CreatedAt, string(e.ID)
			noun, _, _ := strings.Cut(e.Type, ".")
			switch {
			case slices.Contains(ownNouns, noun):
			case e.CreatedAt.Before(from):
				log.before[e.Type]++
			default:
				log.now[e.Type]++
			}
		}
		if len(events) < eventPage {
			log.since = time.Time{}
			return log, nil
		}
	}
	return log, nil
}

func (l eventLog) lines(accountBegan, before time.Time) []string {
	types := maps.Clone(l.now)
	complete := !later(l.since, accountBegan).After(before)
	if complete { // what stopped is news too
		for name := range l.before {
			types[name] += 0
		}
	}
	sorted := slices.SortedFunc(maps.Keys(types), func(a, b string) int {
		return cmp.Or(types[b]-types[a], l.before[b]-l.before[a], strings.Compare(a, b))
	})
	var lines []string
	for i, name := range sorted {
		if i == maxLoggedTypes {
			return append(lines, fmt.Sprintf("%d more types: list_events", len(sorted)-i))
		}
		lines = append(lines, fmt.Sprintf("logged %s: %d%s", oneLine(name), types[name], comparison(complete, l.before[name])))
	}
	return lines
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// fitting returns as many of the lines as there is room for, the first always.
func fitting(lines []string, size int) string {
	text := cut(lines[0], size)
	for _, line := range lines[1:] {
		if len(text)+len(line)+1 > size {
			break
		}
		text += "\n" + line
	}
	return text
}
