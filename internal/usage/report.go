package usage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/storage"
)

// KindReport is the kind of the effects that report usage to somebody who bills for
// it. Their data is a [Report].
const KindReport = "usage"

// Report is usage that is to be reported once.
type Report struct {
	// ID is made of what is reported, so that it is the same however often it is
	// sent. At most 100 characters.
	ID       string
	Metric   string
	Quantity int64
	// At is within the period in which it was used.
	At time.Time
}

const (
	reportInterval = 5 * time.Minute
	reportBatch    = 500
)

// Reporting turns counts into reports.
type Reporting struct {
	Store   storage.Store // with the role storage.Billing
	Metrics []string      // to report
	// Period returns the customer's period that is now.
	Period func(ctx context.Context, customer storage.CustomerID) (billing.Period, error)
	Log    *zap.Logger
}

// Run makes reports of what was used since the last ones, every 5 minutes until ctx
// ends. Several processes may run it.
func (r Reporting) Run(ctx context.Context) {
	ticker := time.NewTicker(reportInterval)
	defer ticker.Stop()
	for {
		if err := r.Collect(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error("background work failed", zap.String("work", "usage reports"), zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Collect makes reports of what was used since the last ones. The counts and the
// effects that send them change together, so nothing is reported twice or never. A
// customer for whom that fails holds up nobody else.
func (r Reporting) Collect(ctx context.Context) error {
	ledger, _ := storage.RoleOf[storage.Ledger](r.Store)
	for {
		counts, err := ledger.Unreported(ctx, r.Metrics, reportBatch)
		if err != nil {
			return err
		}
		var errs []error
		for _, c := range counts {
			// With ErrConflict, another process was faster.
			if err := r.report(ctx, c); err != nil && !errors.Is(err, storage.ErrConflict) {
				errs = append(errs, err)
			}
		}
		if len(counts) < reportBatch || len(errs) == len(counts) {
			return errors.Join(errs...)
		}
	}
}

// report makes the report of one count.
func (r Reporting) report(ctx context.Context, c storage.Count) error {
	period, err := r.Period(ctx, c.CustomerID)
	if err != nil {
		return err
	}
	now := storage.Now()
	at := now
	if c.Period.Before(period.Start) {
		at = period.Start.Add(-time.Second) // used before it began
	}
	report := Report{ID: reportID(c), Metric: c.Metric, Quantity: c.Used - c.Reported, At: at}
	data, err := json.Marshal(report)
	if err != nil {
		return err
	}
	return r.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		b, ok := storage.RoleOf[storage.Billing](tx)
		if !ok {
			return fmt.Errorf("usage: %T has no storage.Billing", tx)
		}
		if err := b.MarkReported(ctx, c, c.Used); err != nil {
			return err
		}
		return b.CreateEffect(ctx, storage.Effect{
			ID: "usage:" + report.ID, Kind: KindReport, Customer: c.CustomerID, Data: data, CreatedAt: now, DueAt: now,
		})
	})
}

func reportID(c storage.Count) string {
	hash := sha256.New()
	for _, part := range []string{string(c.CustomerID), c.Metric, strconv.FormatInt(c.Period.UnixMicro(), 10), strconv.FormatInt(c.Reported, 10)} {
		fmt.Fprintf(hash, "%d:%s,", len(part), part)
	}
	return hex.EncodeToString(hash.Sum(nil))
}
