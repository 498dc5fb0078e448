package billing_test

import (
	"testing"

	"github.com/heycmo/heycmo-go/heycmo"
)

// What is used is reported to Stripe, once, by whichever process comes first.
func TestUsageIsReported(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		metered := func(o *heycmo.Options) { o.Billing.Meters = map[string]string{"tool_calls": "mcp_calls"} }
		s := newShop(t, open(t), metered)
		_, key, session := s.buy("pro")
		for range 3 {
			s.call(key)
		}
		stripes := s.fake.CustomerOf(session)
		if n := s.fake.Usage(stripes, "mcp_calls"); n != 0 {
			t.Errorf("%d were reported before they were stored", n)
		}
		if err := s.server.Shutdown(t.Context()); err != nil { // stores what was used
			t.Fatal(err)
		}
		s.fake.Outage(true)
		_, s.url = s.replica(metered) // collects at its start, and fails to report
		_, _ = s.replica(metered)     // another one, at the same time
		s.fake.Outage(false)
		reported := func(want int64) {
			t.Helper()
			s.eventually("the report", func() bool { return s.fake.Usage(stripes, "mcp_calls") == want })
		}
		reported(3)
		s.call(key)
		reported(3) // the rest comes with the next collection, in 5 minutes
	})
}
