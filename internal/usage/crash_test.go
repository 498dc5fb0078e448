package usage_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestAProcessThatIsKilled loses at most 2 s of use, and what it held comes back.
func TestAProcessThatIsKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 100)
		survivor := d.another().run()
		d.uses(page, 20)
		time.Sleep(pause)
		d.uses(page, 5)
		d.takes(page, 1) // is running
		d.stop()
		d.has(20, 9)
		time.Sleep(2 * time.Minute)
		d.has(20, 0)
		survivor.uses(page, 80)
		survivor.refuses(page, 1)
		if n := survivor.logs.FilterMessage("gave back what nobody settled").Len(); n != 1 {
			t.Errorf("said %d times", n)
		}
	})
}

// TestClocksMayDiffer: a block that is in use isn't given back by a process whose
// clock is 29 s ahead.
func TestClocksMayDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 100)
		d.another().run()
		d.uses(page, 1)
		d.takes(page, 1)
		for range 600 {
			time.Sleep(time.Second)
			if n, err := d.ledger.SettleExpired(t.Context(), time.Now().Add(-time.Second)); n != 0 || err != nil {
				t.Fatalf("gave back %d, %v", n, err)
			}
		}
	})
}

// TestReservation survives the process.
func TestReservation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 100)
		if _, err := d.Reserve(t.Context(), ada, "run 1", calls, "run", 90); err != nil {
			t.Fatal(err)
		}
		d.stop()
		d.has(0, 90)

		d = d.another().run()
		time.Sleep(50 * time.Minute)
		again, err := d.Reserve(t.Context(), ada, "run 1", calls, "run", 90)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Minute) // an hour from the last Reserve
		d.has(0, 90)
		if _, err := d.Reserve(t.Context(), ada, "run 2", calls, "run", 11); !isRefusal(err) {
			t.Errorf("more than the rest: %v", err)
		}
		for _, used := range []int64{40, 40, 30} {
			if err := again.Settle(t.Context(), used); err != nil {
				t.Fatal(err)
			}
			d.has(40, 0)
		}
		if _, err := d.Reserve(t.Context(), ada, "run 2", calls, "run", 60); err != nil {
			t.Errorf("the rest: %v", err)
		}
	})
}

// TestAReservationThatIsForgotten is given back, and counts when it is settled late.
func TestAReservationThatIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, 100)
		r, err := d.Reserve(t.Context(), ada, "run 1", calls, "run", 90)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Minute)
		d.has(0, 90)
		time.Sleep(3 * time.Minute)
		d.has(0, 0)
		if err := r.Settle(t.Context(), 70); err != nil {
			t.Fatal(err)
		}
		d.has(70, 0)
	})
}
