package usage_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

func TestRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 10)
		d.uses(page, 7)
		running := d.takes("slow", 1)
		end := d.plans.allowance.Period.End
		want := billing.QuotaError{
			Metric: calls, Used: 8, Limit: 10, Needed: 3, Resets: end, Upgrade: "https://example.com/plans",
		}
		if got := d.refusal(page, 3); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		d.uses(page, 2)
		want.Used, want.Needed = 10, 1
		if got := d.refusal(page, 1); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		// More than the plan ever has.
		want.Needed, want.Resets = 11, time.Time{}
		time.Sleep(time.Second)
		if got := d.refusal(page, 11); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		running.Settle(0)
		time.Sleep(pause)
		d.uses(page, 1)
		d.refuses(page, 1)
	})
}

func TestAMetricThatThePlanLacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 0)
		if got := d.refusal(page, 1); got.Limit != 0 || got.Used != 0 {
			t.Errorf("got %+v", got)
		}
	})
}

// TestRefusalsAreRepeatedForASecond, without asking.
func TestRefusalsAreRepeatedForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 1)
		d.uses(page, 1)
		d.refuses(page, 1)
		before := d.counts()
		for range 999 {
			d.refuses(page, 1)
			d.refuses("another", 2)
			time.Sleep(time.Millisecond)
		}
		if got := d.counts().since(before); got.asked != 0 || got.reserved != 0 {
			t.Errorf("%+v", got)
		}
		d.plans.set(func() { d.plans.allowance.Limit = 5 })
		d.refuses(page, 1)
		time.Sleep(time.Millisecond)
		d.uses(page, 4) // the upgrade helps
		d.refuses(page, 1)
	})
}

// TestARefusalIsForAsManyUnits: fewer may have room.
func TestARefusalIsForAsManyUnits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 10)
		d.refuses(page, 11)
		d.takes(page, 10).Settle(10)
	})
}

// TestARefusalIsForTheOneWhoAsked, and not for who waits meanwhile and needs less.
func TestARefusalIsForTheOneWhoAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 10)
		d.plans.set(func() { d.plans.slow = time.Second })
		var wg sync.WaitGroup
		wg.Go(func() { d.refuses(page, 11) })
		synctest.Wait()
		wg.Go(func() { d.uses(page, 1) })
		wg.Wait()
	})
}

// TestARefusalIsForOneMetric of one customer.
func TestARefusalIsForOneMetric(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 1)
		d.uses(page, 1)
		d.refuses(page, 1)
		if _, err := d.Take(t.Context(), ada, "agent_calls", page, 1); err != nil {
			t.Errorf("another metric: %v", err)
		}
		if _, err := d.Take(t.Context(), "bob", calls, page, 1); err != nil {
			t.Errorf("another customer: %v", err)
		}
	})
}

// TestUnitsOfOtherToolsAreFound before somebody is refused.
func TestUnitsOfOtherToolsAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 200)
		bobs, err := d.Take(t.Context(), "bob", calls, page, 1)
		if err != nil {
			t.Fatal(err)
		}
		bobs.Settle(0)
		for _, tool := range []string{"a", "b", "c", "d"} {
			d.uses(tool, 9) // leaves most of the second block
		}
		running := d.takes("a", 1)
		d.uses(page, 200-36-15)
		d.refuses(page, 1)
		d.uses("a", 14) // which is in use, and keeps what it has
		if got, err := d.ledger.Balance(t.Context(), "bob", calls, d.plans.allowance.Period.Start); err != nil || got.Held != 8 {
			t.Errorf("of another customer are held %d, %v", got.Held, err)
		}
		running.Settle(1)
		d.refuses("a", 1)
		d.flushes()
		d.has(200, 0)
	})
}
