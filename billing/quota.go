package billing

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Period is the time in which a quota can be used up: from Start, before End.
type Period struct{ Start, End time.Time }

// Period returns the period in which now is, in UTC: that of the subscription that
// lets the customer in, or the calendar month for an account without one. When the
// provider hasn't told yet that a period was renewed, it is the next one of the same
// length, so that an outage of the provider uses up nobody's quota.
func (a Account) Period(now time.Time) Period {
	now = now.UTC()
	s, ok := a.entitling(now)
	if ok && !s.PeriodStart.IsZero() && s.PeriodEnd.After(s.PeriodStart) {
		return Period{s.PeriodStart.UTC(), s.PeriodEnd.UTC()}.at(now)
	}
	start := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	return Period{start, start.AddDate(0, 1, 0)}
}

// at returns the period, or the one of those after it in which now is.
func (p Period) at(now time.Time) Period {
	if now.Before(p.End) {
		return p
	}
	if months := monthsBetween(p.Start, p.End); months > 0 && addMonths(p.Start, months).Equal(p.End) {
		n := max(monthsBetween(p.Start, now)/months, 1)
		for ; !now.Before(addMonths(p.Start, (n+1)*months)); n++ {
		}
		for ; n > 1 && now.Before(addMonths(p.Start, n*months)); n-- {
		}
		return Period{addMonths(p.Start, n*months), addMonths(p.Start, (n+1)*months)}
	}
	length := p.End.Sub(p.Start)
	start := p.End.Add(now.Sub(p.End) / length * length)
	return Period{start, start.Add(length)}
}

// monthsBetween counts calendar months, whatever the days.
func monthsBetween(from, to time.Time) int {
	return (to.Year()-from.Year())*12 + int(to.Month()) - int(from.Month())
}

// addMonths adds months; the 31st becomes the last day of a shorter month, as
// payment companies have it, and not the first days of the next.
func addMonths(t time.Time, months int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

// QuotaError says that a quota is used up. Its text is for the customer, and for
// the model that works for them.
type QuotaError struct {
	// Metric is the name in Plan.Quotas; "agent_calls" reads "agent calls".
	Metric string
	// Used and Limit are units of this period. Used counts what is set aside for
	// calls that are running. Limit is 0 when the plan doesn't include the metric at
	// all.
	Used, Limit int64
	// Needed is how many units there is no room for; 0: not known.
	Needed int64
	// Resets is when the next period begins; zero when waiting doesn't help.
	Resets time.Time
	// Upgrade is the URL of a page with larger plans; empty when there is none.
	Upgrade string
}

// Error says what was used, and the ways on.
func (e *QuotaError) Error() string {
	what := strings.ReplaceAll(e.Metric, "_", " ")
	text := fmt.Sprintf("you have used %s of %s %s of this period", thousands(e.Used), thousands(e.Limit), what)
	if e.Used < e.Limit && e.Needed > 0 {
		text += fmt.Sprintf(", and this needs %s", thousands(e.Needed))
	}
	var ways []string
	if e.Limit <= 0 {
		text = fmt.Sprintf("your plan includes no %s", what)
	} else if !e.Resets.IsZero() {
		ways = append(ways, "more from "+resets(e.Resets))
	}
	if e.Upgrade != "" {
		ways = append(ways, "upgrade at "+e.Upgrade)
	}
	if len(ways) > 0 {
		text += "; " + strings.Join(ways, ", or ")
	}
	return text
}

// resets leaves out a time of day that says nothing, and is never too early.
func resets(t time.Time) string {
	t = t.UTC()
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	if whole := t.Truncate(time.Minute); !whole.Equal(t) {
		t = whole.Add(time.Minute)
	}
	return t.Format("2006-01-02 15:04 UTC")
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
