package usage_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// breaks has the store fail, and the plans, which are read from the same one.
func (d *desk) breaks() {
	d.ledger.set(func() { d.ledger.down = errDown })
	d.plans.set(func() { d.plans.err = errDown })
}

func (d *desk) mends() {
	d.ledger.set(func() { d.ledger.down, d.ledger.settleDown = nil, nil })
	d.plans.set(func() { d.plans.err, d.plans.hangs = nil, false })
}

// The states in which a customer may be when the database goes down.

func TestOutageWithUnitsInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 100)
		d.uses(page, 4) // of 8
		d.breaks()
		d.uses(page, 4)
		d.fails(page, 1)
		d.fails("another", 1)
		d.mends()
		d.uses(page, 92)
		d.refuses(page, 1)
	})
}

// TestOutageLongerThanABlock: what others may have been given isn't handed out.
func TestOutageLongerThanABlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 100)
		d.uses(page, 3)
		long := d.takes(page, 1) // so that the block isn't idle
		d.breaks()
		time.Sleep(59 * time.Second)
		d.uses(page, 1)
		time.Sleep(time.Second)
		d.fails(page, 1)
		d.mends()
		long.Settle(1)
		d.flushes()
		d.has(5, 0)
	})
}

func TestOutageWithNothingInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 100)
		d.breaks()
		d.fails(page, 1)
		d.plans.set(func() { d.plans.err = nil }) // the limit is known, its use isn't
		d.fails(page, 1)
		d.mends()
		d.uses(page, 1)
	})
}

func TestOutageWithoutALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, -1)
		d.uses(page, 1)
		d.breaks()
		for range 100 { // 50 minutes
			d.uses(page, 2)
			time.Sleep(30 * time.Second)
		}
		if _, err := d.Days(t.Context(), ada, time.Now(), time.Now()); !errors.Is(err, errDown) {
			t.Errorf("days: %v", err)
		}
		if d.logs.FilterMessage("background work failed").Len() == 0 || d.logs.FilterMessage("usage is counted without knowing the plan").Len() == 0 {
			t.Error("nobody is told")
		}
		d.mends()
		d.uses(page, 1)
		d.flushes()
		d.has(202, 0)
	})
}

// TestOutageAfterALimitCame: one that is known counts.
func TestOutageAfterALimitCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, -1)
		d.uses(page, 1)
		d.plans.set(func() { d.plans.allowance.Limit = 10 })
		time.Sleep(time.Minute)
		d.uses(page, 1)
		d.breaks()
		d.fails(page, 1)
	})
}

// TestOutageOverTheEndOfAPeriod counts on in the period that is known.
func TestOutageOverTheEndOfAPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, -1)
		d.plans.set(func() { d.plans.allowance.Period.End = time.Now().Add(time.Minute) })
		d.uses(page, 1)
		d.breaks()
		time.Sleep(2 * time.Minute)
		before := d.counts()
		d.uses(page, 10)
		if got := d.counts().since(before); got.asked != 1 {
			t.Errorf("%+v", got)
		}
		d.mends()
		d.flushes()
		d.has(11, 0)
	})
}

func TestOutageOfAnUnknownCustomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, -1)
		d.breaks()
		d.fails(page, 1)
		d.mends()
		d.uses(page, 1)
	})
}

// TestHangingDatabase: those without a limit don't wait for it.
func TestHangingDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, -1)
		d.uses(page, 1)
		time.Sleep(time.Minute)
		d.plans.set(func() { d.plans.hangs = true })
		began := time.Now()
		d.uses(page, 100)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := d.Take(ctx, ada, calls, "another", 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the call of an unknown source: %v", err)
		}
		time.Sleep(time.Minute)
		if _, err := d.Take(ctx, ada, calls, page, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call that has ended: %v", err)
		}
	})
}

// TestReserveNeedsTheDatabase, also where there is no limit.
func TestReserveNeedsTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, -1)
		d.breaks()
		if _, err := d.Reserve(t.Context(), ada, "run 1", calls, "run", 1); !errors.Is(err, errDown) {
			t.Errorf("without plans: %v", err)
		}
		d.plans.set(func() { d.plans.err = nil })
		if _, err := d.Reserve(t.Context(), ada, "run 1", calls, "run", 1); !errors.Is(err, errDown) {
			t.Errorf("without a ledger: %v", err)
		}
	})
}

// TestAFailingFlushIsRepeated, and nothing counts twice.
func TestAFailingFlushIsRepeated(t *testing.T) {
	for _, limit := range []int64{-1, 1000} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, limit)
			d.ledger.set(func() { d.ledger.settleDown = errDown })
			d.uses(page, 10)
			time.Sleep(5 * time.Second)
			d.uses(page, 7)
			time.Sleep(5 * time.Second)
			d.mends()
			time.Sleep(5 * time.Second)
			d.uses(page, 2)
			d.flushes()
			d.flushes()
			d.has(19, 0)
		})
	}
}

// TestAnAnswerThatIsLost: the store did what it was asked, and nobody heard.
func TestAnAnswerThatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, -1)
		d.ledger.set(func() { d.ledger.lost = errDown })
		d.uses(page, 3)
		time.Sleep(pause)
		d.uses(page, 4)
		d.ledger.set(func() { d.ledger.lost = nil })
		time.Sleep(pause)
		d.has(7, 0)
		if n := len(d.ledger.sizes()); n != 1 {
			t.Errorf("%d reservations", n)
		}
	})
}

// TestWaitingCallsShareAFailure: a database that is down isn't asked by each.
func TestWaitingCallsShareAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 100)
		d.breaks()
		d.plans.set(func() { d.plans.slow = time.Second })
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { d.fails(page, 1) })
		}
		wg.Wait()
		if got := d.counts(); got.asked != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// TestTheEndOfACallIsNoFailureOfOthers that wait for what it asks.
func TestTheEndOfACallIsNoFailureOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 100)
		d.plans.set(func() { d.plans.hangs = true })
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := d.Take(ctx, ada, calls, page, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the first one: %v", err)
			}
		})
		synctest.Wait()
		d.plans.set(func() { d.plans.hangs = false })
		for range 20 {
			wg.Go(func() { d.uses(page, 1) })
		}
		wg.Wait()
	})
}

// TestWhoWaitsCanLeave when the context ends.
func TestWhoWaitsCanLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 100)
		d.plans.set(func() { d.plans.hangs = true })
		long, cancel := context.WithCancel(t.Context())
		go d.Take(long, ada, calls, page, 1) //nolint:errcheck // its end is all that counts
		synctest.Wait()
		short, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if _, err := d.Take(short, ada, calls, page, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		cancel()
		synctest.Wait()
	})
}

// TestPlansThatPanic leave nobody waiting.
func TestPlansThatPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 100)
		d.plans.set(func() { d.plans.panics = true })
		func() {
			defer func() { _ = recover() }()
			_, _ = d.Take(t.Context(), ada, calls, page, 1)
		}()
		d.plans.set(func() { d.plans.panics = false })
		d.uses(page, 1)
	})
}

// TestWhatCanNeverBeStored is dropped, and the rest is stored.
func TestWhatCanNeverBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, -1)
		for i := range 3 {
			held, err := d.Take(t.Context(), nobody, calls, page, 1)
			if err != nil {
				t.Fatal(err)
			}
			held.Settle(1)
			d.uses(page, 3)
			time.Sleep(pause)
			d.has(int64(3*i+3), 0)
			if _, blocks, _ := d.Sizes(); blocks != 1 {
				t.Errorf("%d blocks are kept", blocks)
			}
			if n := d.logs.FilterMessage("usage can't be stored").Len(); n != i+1 {
				t.Errorf("said %d times", n)
			}
		}
	})
}
