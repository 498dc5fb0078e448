package billing_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

func date(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

func subscribed(from, to time.Time) billing.Account {
	return billing.Account{Subscriptions: []billing.Standing{{
		ID: "A", Phase: billing.PhaseActive, Confirmed: true, PeriodStart: from, PeriodEnd: to,
	}}}
}

func TestPeriod(t *testing.T) {
	ended := subscribed(date("2026-11-15"), date("2026-12-15"))
	ended.Subscriptions[0].Ended = true
	for name, c := range map[string]struct {
		account      billing.Account
		now          time.Time
		start, until string
	}{
		"no subscription":     {billing.Account{}, start, "2026-11-01", "2026-12-01"},
		"the first moment":    {billing.Account{}, date("2026-12-01"), "2026-12-01", "2027-01-01"},
		"in UTC":              {billing.Account{}, time.Date(2026, 12, 1, 1, 0, 0, 0, time.FixedZone("east", 2*3600)), "2026-11-01", "2026-12-01"},
		"an ended one":        {ended, date("2026-11-20"), "2026-11-01", "2026-12-01"},
		"not known":           {subscribed(time.Time{}, date("2026-11-20")), date("2026-11-10"), "2026-11-01", "2026-12-01"},
		"backwards":           {subscribed(date("2026-11-20"), date("2026-11-20")), date("2026-11-10"), "2026-11-01", "2026-12-01"},
		"a month":             {subscribed(date("2026-11-15"), date("2026-12-15")), date("2026-11-20"), "2026-11-15", "2026-12-15"},
		"a moment too early":  {subscribed(date("2026-11-15"), date("2026-12-15")), date("2026-11-14"), "2026-11-15", "2026-12-15"},
		"a year":              {subscribed(date("2026-11-15"), date("2027-11-15")), date("2027-03-01"), "2026-11-15", "2027-11-15"},
		"renewed unheard":     {subscribed(date("2026-11-15"), date("2026-12-15")), date("2026-12-15"), "2026-12-15", "2027-01-15"},
		"much later":          {subscribed(date("2026-11-15"), date("2026-12-15")), date("2028-03-14"), "2028-02-15", "2028-03-15"},
		"a year unheard":      {subscribed(date("2026-11-15"), date("2027-11-15")), date("2029-11-14"), "2028-11-15", "2029-11-15"},
		"from the 31st":       {subscribed(date("2026-01-31"), date("2026-02-28")), date("2026-03-01"), "2026-02-28", "2026-03-31"},
		"from the 31st later": {subscribed(date("2026-01-31"), date("2026-02-28")), date("2026-04-30"), "2026-04-30", "2026-05-31"},
		"a week unheard":      {subscribed(date("2026-11-02"), date("2026-11-09")), date("2026-11-30"), "2026-11-30", "2026-12-07"},
		"thirty days unheard": {subscribed(date("2026-11-15"), date("2026-12-14")), date("2026-12-20"), "2026-12-14", "2027-01-12"},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.account.Period(c.now)
			if want := (billing.Period{Start: date(c.start), End: date(c.until)}); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// Periods follow each other without a gap, whatever was heard last.
func TestPeriodsFollowEachOther(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		from := start.Add(time.Duration(random.Int64N(int64(400 * day))))
		to := from.Add(1 + time.Duration(random.Int64N(int64(400*day))))
		if random.IntN(2) == 0 {
			to = from.AddDate(0, 1+random.IntN(14), 0)
		}
		account := subscribed(from, to)
		now := from.Add(time.Duration(random.Int64N(int64(4000 * day))))
		p := account.Period(now)
		if now.Before(p.Start) || !now.Before(p.End) {
			t.Fatalf("from %v to %v: %v is not in %v", from, to, now, p)
		}
		if last := account.Period(p.End.Add(-1)); last != p {
			t.Fatalf("from %v to %v: %v becomes %v", from, to, p, last)
		}
		if next := account.Period(p.End); next.Start != p.End {
			t.Fatalf("from %v to %v: after %v comes %v", from, to, p, next)
		}
	}
}

func TestQuotaErrorSaysWhatToDo(t *testing.T) {
	reset := date("2026-12-01")
	for _, c := range []struct {
		err  billing.QuotaError
		want string
	}{
		{
			billing.QuotaError{Metric: "agent_calls", Used: 1000, Limit: 1000, Resets: reset, Upgrade: "https://example.com/plans"},
			"you have used 1,000 of 1,000 agent calls of this period; more from 2026-12-01, or upgrade at https://example.com/plans",
		},
		{
			billing.QuotaError{Metric: "tokens", Used: 9000, Limit: 10000, Needed: 2000, Resets: reset},
			"you have used 9,000 of 10,000 tokens of this period, and this needs 2,000; more from 2026-12-01",
		},
		{billing.QuotaError{Metric: "calls", Used: 10, Limit: 10, Needed: 2}, "you have used 10 of 10 calls of this period"},
		{billing.QuotaError{Metric: "images", Needed: 2}, "your plan includes no images"},
		{billing.QuotaError{Metric: "calls", Used: 12, Limit: 10, Resets: reset}, "you have used 12 of 10 calls of this period; more from 2026-12-01"},
		{
			billing.QuotaError{Metric: "calls", Used: 123456, Limit: 100000, Resets: reset.Add(9*time.Hour + time.Second)},
			"you have used 123,456 of 100,000 calls of this period; more from 2026-12-01 09:01 UTC",
		},
		{billing.QuotaError{Metric: "calls", Used: math.MinInt64, Limit: math.MaxInt64}, "you have used -9,223,372,036,854,775,808 of 9,223,372,036,854,775,807 calls of this period"},
		{billing.QuotaError{Metric: "images", Resets: reset, Upgrade: "https://example.com/plans"}, "your plan includes no images; upgrade at https://example.com/plans"},
		{billing.QuotaError{Metric: "images"}, "your plan includes no images"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}
