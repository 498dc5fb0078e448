package usage_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heycmo/heycmo-go/billing"
)

// TestBlocksGrow: a block lasts about 20 s.
func TestBlocksGrow(t *testing.T) {
	for name, c := range map[string]struct {
		limit int64
		pause time.Duration // between calls
		calls int
		want  []int64
	}{
		"quick":             {1_000_000, 0, 16_000, []int64{8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 4096, 4096}},
		"every second":      {1_000_000, time.Second, 80, []int64{8, 16, 32, 32}},
		"every ten seconds": {1_000_000, 10 * time.Second, 20, []int64{8, 4, 4, 4, 4}},
		"every minute":      {1_000_000, time.Minute, 5, []int64{8, 4, 2, 1, 1}},
		"an eighth of rest": {100, 0, 100, []int64{
			8, 11, 10, 8, 7, 7, 6, 5, 4, 4, 3, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		}},
		"a small limit": {9, 0, 9, []int64{1, 1, 1, 1, 1, 1, 1, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, c.limit)
				for range c.calls {
					d.uses(page, 1)
					time.Sleep(c.pause)
				}
				if got := d.ledger.sizes(); !slices.Equal(got, c.want) {
					t.Errorf("blocks of %d, want %d", got, c.want)
				}
				if n := d.counts().reserved; n != len(c.want) {
					t.Errorf("asked %d times for %d blocks", n, len(c.want))
				}
			})
		})
	}
}

func TestBlocksShrink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 1_000_000)
		d.uses(page, 504) // up to 256
		for range 100 {
			time.Sleep(5 * time.Second)
			d.uses(page, 1)
		}
		sizes := d.ledger.sizes()
		if last := sizes[len(sizes)-1]; last > 8 {
			t.Errorf("blocks of %d, though few are used", sizes)
		}
	})
}

// TestBlocksAreForCalls: that need many units each.
func TestBlocksAreForCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 1_000_000)
		for range 9 {
			d.takes("ask", 1000).Settle(1000)
		}
		if got, want := d.ledger.sizes(), []int64{8000, 16000}; !slices.Equal(got, want) {
			t.Errorf("blocks of %d, want %d", got, want)
		}
		d.flushes()
		d.has(9000, 0)
	})
}

func TestIdleBlocksAreGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 1000)
		d.uses(page, 2)
		time.Sleep(19 * time.Second)
		d.has(2, 6)
		time.Sleep(4 * time.Second)
		d.has(2, 0)

		d.uses(page, 870)
		d.takes(page, 1).Settle(0)
		time.Sleep(5 * time.Second) // little is left, so others may want it
		d.has(872, 0)
	})
}

// TestUnusedIsHandedOutAgain: what is given back to a block.
func TestUnusedIsHandedOutAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 10)
		for range 100 {
			d.takes(page, 1).Settle(0)
		}
		if got := d.ledger.sizes(); len(got) != 1 {
			t.Errorf("blocks of %d, want one", got)
		}
		d.uses(page, 10)
		d.refuses(page, 1)
	})
}

func TestPeriodsAndDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Bubbles begin on 2000-01-01 at midnight.
		begin := time.Now().UTC()
		first := billing.Period{Start: begin.AddDate(0, 0, -15), End: begin.Add(36 * time.Hour)}
		second := billing.Period{Start: first.End, End: first.End.AddDate(0, 1, 0)}
		d := newDesk(t, 1000)
		d.plans.set(func() { d.plans.allowance.Period = first })
		at := func(after time.Duration, n int) {
			time.Sleep(time.Until(begin.Add(after)))
			d.uses(page, n)
		}
		at(24*time.Hour-5*time.Second, 20)
		at(24*time.Hour-time.Nanosecond, 1)
		at(24*time.Hour, 2)
		at(36*time.Hour-5*time.Second, 40)
		at(36*time.Hour-time.Nanosecond, 4)
		d.plans.set(func() { d.plans.allowance.Period = second })
		at(36*time.Hour, 8)
		d.flushes()
		d.has(8, 0)
		if got, err := d.ledger.Balance(t.Context(), ada, calls, first.Start); err != nil || got.Used != 67 || got.Held != 0 {
			t.Errorf("the first period has %+v, %v", got, err)
		}
		days, err := d.Days(t.Context(), ada, begin, begin.AddDate(0, 0, 9))
		if err != nil || len(days) != 2 || days[0].Used != 21 || days[1].Used != 54 {
			t.Errorf("days are %v, %v", days, err)
		}
	})
}

// TestAPeriodThatIsOver serves one call at a time.
func TestAPeriodThatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 3)
		d.plans.set(func() { d.plans.allowance.Period.End = time.Now().Add(-time.Hour) })
		d.uses(page, 3)
		d.refuses(page, 1)
	})
}

// TestALongCall holds its units over many flushes and longer than a block.
func TestALongCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 100)
		other := d.another().run()
		d.uses(page, 1)
		long := d.takes(page, 1) // of the same block
		for range 10 {
			time.Sleep(time.Minute)
			d.has(1, 7)
		}
		other.uses("other", 1)
		d.uses(page, 1) // which is still there
		if n := len(d.ledger.sizes()); n != 2 {
			t.Errorf("there are %d blocks", n)
		}
		long.Settle(1)
		long.Settle(5)
		time.Sleep(30 * time.Second)
		d.has(4, 0)
		d.uses(page, 96)
		d.refuses(page, 1)
	})
}

// pause is long enough for a flush.
const pause = 2*time.Second + time.Millisecond

// TestCallsOutliveTheirBlock: the block that was used up is kept.
func TestCallsOutliveTheirBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 8) // blocks of 1
		first, second := d.takes(page, 1), d.takes(page, 1)
		time.Sleep(5 * time.Minute)
		first.Settle(3) // more than it took
		second.Settle(0)
		time.Sleep(time.Minute)
		d.has(3, 0)
	})
}

// TestUsedUpBlocksAreDone at the next flush.
func TestUsedUpBlocksAreDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 1000)
		d.uses(page, 8)
		time.Sleep(pause)
		d.ledger.set(func() {
			if !d.ledger.reservations[0].done {
				t.Error("the block isn't done")
			}
		})
	})
}

// TestTooSmallARestIsGivenBack when more units are needed at once.
func TestTooSmallARestIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 1000)
		d.uses(page, 6) // leaves 2 of 8
		d.takes(page, 5).Settle(5)
		time.Sleep(pause)
		d.has(11, 75) // 80 for 16 such calls
	})
}

// TestAFlushWithoutNewsIsFree, also while calls run.
func TestAFlushWithoutNewsIsFree(t *testing.T) {
	for _, limit := range []int64{-1, 1000} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, limit)
			d.uses(page, 2)
			d.takes(page, 1)
			time.Sleep(pause)
			before := d.counts()
			time.Sleep(30 * time.Second)
			if got := d.counts().since(before); got != (counts{}) {
				t.Errorf("limit %d: %+v", limit, got)
			}
		})
	}
}

// TestWithoutALimitThereIsOneReservation for as long as a block lives.
func TestWithoutALimitThereIsOneReservation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, -1)
		for range 50 {
			d.uses(page, 10)
			time.Sleep(time.Second)
		}
		if got := d.counts(); got.reserved != 1 || got.asked != 1 {
			t.Errorf("%+v", got)
		}
		time.Sleep(10 * time.Second) // time to ask again
		d.plans.set(func() { d.plans.allowance.Limit = 505 })
		d.uses(page, 5)
		d.refuses(page, 1)
	})
}

// TestAPeriodWithoutAnEnd counts as any other.
func TestAPeriodWithoutAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, -1)
		d.plans.set(func() { d.plans.allowance.Period = billing.Period{} })
		d.uses(page, 10)
		d.flushes()
		d.has(10, 0)
		if got := d.counts(); got.asked != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// TestWhatOthersTookIsSeen when a block is too large.
func TestWhatOthersTookIsSeen(t *testing.T) {
	for _, c := range []struct{ left, want int64 }{{200, 25}, {81, 10}, {5, 1}} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, 1000)
			other := d.another()
			d.uses(page, 120) // of as many, and the next block would have 110
			other.takes("other", 1000-120-c.left)
			d.uses(page, 1)
			if sizes := d.ledger.sizes(); sizes[len(sizes)-1] != c.want {
				t.Errorf("blocks of %d, want %d at last", sizes, c.want)
			}
		})
	}
}

// TestASmallerPlan counts from the next block on, however large the last one was.
func TestASmallerPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 100_000)
		d.uses(page, 248) // of blocks of as many
		d.plans.set(func() { d.plans.allowance.Limit = 260 })
		d.uses(page, 12)
		d.refuses(page, 1)
		d.flushes()
		d.has(260, 0)
	})
}

// TestNothingIsKeptOfIdleCustomers looks at the memory.
func TestNothingIsKeptOfIdleCustomers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, limit := range []int64{-1, 10} {
			d := newDesk(t, limit)
			d.takes("running", 1)
			d.uses(page, 9)
			if limit > 0 {
				d.refuses(page, 1)
			}
			time.Sleep(time.Minute + pause)
			if counters, blocks, refusals := d.Sizes(); counters != 2 || blocks != 1 || refusals != 0 {
				t.Errorf("limit %d: %d counters, %d blocks, %d refusals after a minute", limit, counters, blocks, refusals)
			}
			time.Sleep(12 * time.Minute)
			if counters, blocks, refusals := d.Sizes(); counters > 1 || blocks != 1 || refusals != 0 {
				t.Errorf("limit %d: %d counters, %d blocks, %d refusals later", limit, counters, blocks, refusals)
			}
			d.stop()
		}
	})
}
