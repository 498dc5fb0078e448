package usage

import (
	"errors"
	"time"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/storage"
)

// refusal is what was answered to somebody who wanted units.
type refusal struct {
	err   *billing.QuotaError
	units int64
	asked time.Time
}

type refusalKey struct {
	customer storage.CustomerID
	metric   string
}

// refusalAge is how long a refusal is repeated without asking.
const refusalAge = time.Second

func (m *Meter) refuse(r storage.Reservation, units int64, a Allowance, balance storage.Balance, now time.Time) *billing.QuotaError {
	err := &billing.QuotaError{
		Metric: r.Metric, Used: balance.Used + balance.Held, Limit: a.Limit, Needed: units, Upgrade: a.Upgrade,
	}
	if units <= a.Limit { // else there is no waiting for it
		err.Resets = a.Period.End
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refusals[refusalKey{r.CustomerID, r.Metric}] = refusal{err, units, now}
	return err
}

// refused reports whether as few units were refused a moment ago.
func (m *Meter) refused(customer storage.CustomerID, metric string, units int64, now time.Time) (error, bool) {
	r, ok := m.refusals[refusalKey{customer, metric}]
	if !ok || units < r.units || now.Sub(r.asked) >= refusalAge {
		return nil, false
	}
	return r.err, true
}

func isRefusal(err error) bool {
	_, ok := errors.AsType[*billing.QuotaError](err)
	return ok
}
