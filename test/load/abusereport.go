package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// What abuse may do to good customers, and what it may leave behind.
const (
	slowdownNeed = 2.0
	leftHeapNeed = 2 << 20 // bytes
	leftRSSNeed  = 0.15    // of what it was
)

// abuseReport is what was seen.
type abuseReport struct {
	before, during sample // of good customers
	failed         []error
	bad            []*tally
	quiet, after   figures
	most           peak
	addresses      int
}

// print prints the tables and reports whether all is as it should be.
func (r *abuseReport) print(s *settings) bool {
	for _, err := range r.failed[:min(5, len(r.failed))] {
		fmt.Fprintln(s.progress, "abuse: failed:", err)
	}
	fmt.Fprintf(s.out, "\n### Abuse\n\n%d good customers with a call every %v each, over all transports: for %v beside abuse from %d addresses, of each kind by %d customers with keys of their own, "+
		"and for %v in all before and after without it. Limits are the default ones, GOMAXPROCS is %d on the one core. Beside abuse the server was busy for %.0f %% of the time, and the client, which plays everybody, for %.0f %%.\n\n",
		goodCount, goodPace, r.during.elapsed.Round(time.Second), r.addresses, badCount, r.before.elapsed.Round(time.Second), abuseProcs,
		100*r.most.busy, 100*clientShare(r.during))
	good := true
	judged := func(ok bool) string {
		good = good && ok
		return verdict(ok)
	}

	t := newTable("good customers", "alone", "beside abuse", "ratio", "should be", "")
	t.row("calls a second", fmt.Sprintf("%.1f", r.before.rate()), fmt.Sprintf("%.1f", r.during.rate()), ratio(r.during.rate()/r.before.rate()), "", "")
	t.row("failed calls", "", fmt.Sprintf("%d of %d", len(r.failed), r.before.calls+r.during.calls), "", "0", judged(len(r.failed) == 0))
	p50, p50Then := r.before.percentile(0.5), r.during.percentile(0.5)
	t.row("p50", millis(p50), millis(p50Then), ratio(p50Then.Seconds()/p50.Seconds()), "", "")
	p99, p99Then := r.before.percentile(0.99), r.during.percentile(0.99)
	slower := p99Then.Seconds() / p99.Seconds()
	t.row("p99", millis(p99), millis(p99Then), ratio(slower), fmt.Sprintf("≤ %.0f", slowdownNeed), judged(slower <= slowdownNeed))
	t.print(s.out)

	faults, tooLong := 0, 0
	fmt.Fprintln(s.out)
	t = newTable("abuse", "a second", "ended with")
	for _, b := range r.bad {
		t.row(b.name, fmt.Sprintf("%.1f", float64(b.count(""))/r.during.elapsed.Seconds()), b.String())
		faults += b.count("5")
		tooLong += b.count(endless)
	}
	t.print(s.out)

	fmt.Fprintln(s.out)
	t = newTable("server", "before", "at most", "after", "should be", "")
	t.row("answers from 500 up", "", fmt.Sprint(faults), "", "0", judged(faults == 0))
	t.row("unfinished requests "+endless, "", fmt.Sprint(tooLong), "", "0", judged(tooLong == 0))
	t.row("goroutines", fmt.Sprint(r.quiet.Goroutines), fmt.Sprint(r.most.Goroutines), fmt.Sprint(r.after.Goroutines),
		"as before", judged(r.after.Goroutines <= r.quiet.Goroutines))
	t.row("heap", mib(r.quiet.Heap), "", mib(r.after.Heap),
		fmt.Sprintf("≤ %s more", mib(leftHeapNeed)), judged(r.after.Heap-r.quiet.Heap <= leftHeapNeed))
	t.row("RSS", mib(r.quiet.Resident), mib(r.most.Resident), mib(r.after.Resident),
		fmt.Sprintf("≤ %.0f %% more", 100*leftRSSNeed), judged(float64(r.after.Resident) <= (1+leftRSSNeed)*float64(r.quiet.Resident)))
	t.print(s.out)
	return good
}

// tally is how often an attack ended how.
type tally struct {
	name string

	mu   sync.Mutex
	ends map[string]int
}

func (t *tally) add(end string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ends[end]++
}

// count returns how many ended with what begins so.
func (t *tally) count(prefix string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for end, times := range t.ends {
		if strings.HasPrefix(end, prefix) {
			n += times
		}
	}
	return n
}

// String lists the ends.
func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var parts []string
	for end, times := range t.ends {
		parts = append(parts, fmt.Sprintf("%s: %d", end, times))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
