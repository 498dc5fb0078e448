// Package usage counts what customers use and keeps them within their plans.
//
//	meter, err := usage.New(usage.Config{Store: store, Allowance: allowance, Log: log})
//	go meter.Run(ctx)
//	...
//	held, err := meter.Take(ctx, customer, "tool_calls", "scan_page", 1)
//	if err != nil {
//		return err // a *billing.QuotaError when the plan has no room for it
//	}
//	...
//	held.Settle(1) // or 0: nothing was used
//
// A call doesn't ask the database. Units of a metric with a limit are set aside in
// blocks, see [storage.Ledger], and handed out from memory. Because units are set
// aside before they are used, any number of processes together never exceed a limit.
// A block is as much as is used in about 20 s, and at most an eighth of what is left,
// so that near the end units are taken one by one and nobody waits for what another
// process holds. What isn't used is given back. A metric without a limit is counted
// in memory alone.
//
// Every 2 s the counts are stored, all at once and as sums, so that storing them
// twice changes nothing. A process that is killed leaves at most 2 s uncounted, in
// the customer's favour; what it had set aside is given back by the others within
// two minutes.
//
// While the database doesn't answer, units that were set aside are handed out, and
// then Take fails for metrics with a limit. Metrics that had none within the last
// minutes are counted on in memory, and stored when the database is back. One of
// which nothing is known fails.
package usage

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/storage"
)

// Config is what a Meter works with. Every field is set.
type Config struct {
	Store storage.Store // with the role storage.Ledger
	// Allowance returns what the customer may use of a metric now. It is asked when
	// units are set aside, and not at every Take.
	Allowance func(ctx context.Context, customer storage.CustomerID, metric string) (Allowance, error)
	Log       *zap.Logger
}

// Allowance is how much of a metric a customer may use.
type Allowance struct {
	// Limit is how many units of the Period; negative: there is none.
	Limit int64
	// Period is the one in which units count now.
	Period billing.Period
	// Upgrade is the URL of a page with larger plans; may be empty.
	Upgrade string
}

// Meter counts what this process uses of customers' allowances. Each process needs
// one, and one is enough.
type Meter struct {
	config Config
	ledger storage.Ledger

	mu       sync.Mutex
	counters map[key]*counter
	blocks   []*block // all that aren't finished and stored
	refusals map[refusalKey]refusal
}

// key says what is counted apart.
type key struct {
	customer       storage.CustomerID
	metric, source string
}

// New returns a Meter. It starts nothing. The error says that the store can't keep
// counts.
func New(c Config) (*Meter, error) {
	ledger, ok := storage.RoleOf[storage.Ledger](c.Store)
	if !ok {
		return nil, errors.New("the store has no storage.Ledger, which counting usage needs")
	}
	return &Meter{config: c, ledger: ledger, counters: map[key]*counter{}, refusals: map[refusalKey]refusal{}}, nil
}

const (
	flushInterval  = 2 * time.Second
	expireInterval = 30 * time.Second
	// clocks is how far the clocks of processes may be apart.
	clocks = 30 * time.Second
	keep   = 400 * 24 * time.Hour
)

// Run stores the counts every 2 s until ctx ends, and every 30 s gives back what
// processes that were killed had set aside. Afterwards call Flush.
func (m *Meter) Run(ctx context.Context) {
	flush, expire := time.NewTicker(flushInterval), time.NewTicker(expireInterval)
	defer flush.Stop()
	defer expire.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-flush.C:
			m.logFailure(ctx, "usage flush", m.flush(ctx, all, false))
		case <-expire.C:
			n, err := m.ledger.SettleExpired(ctx, storage.Now().Add(-clocks))
			m.logFailure(ctx, "usage expiry", err)
			if n > 0 {
				m.config.Log.Info("gave back what nobody settled", zap.Int("reservations", n))
			}
		}
	}
}

// Sweep forgets what was used more than 400 days ago. Once an hour is enough.
func (m *Meter) Sweep(ctx context.Context) error {
	_, err := m.ledger.DeleteUsage(ctx, storage.Now().Add(-keep))
	return err
}

func (m *Meter) logFailure(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		m.config.Log.Error("background work failed", zap.String("work", what), zap.Error(err))
	}
}
