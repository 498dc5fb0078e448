package runner

import (
	"context"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// otherProcesses is how often a run is looked at that another process may carry out.
const otherProcesses = time.Second

// Await returns the run once it has ended, waits for a person or a model, or d is
// over. News is called with what is new meanwhile.
func (r *Runner) Await(ctx context.Context, customer storage.CustomerID, id storage.RunID, d time.Duration, news func(storage.Run, Record)) (storage.Run, error) {
	over := time.NewTimer(d)
	defer over.Stop()
	look := time.NewTicker(otherProcesses)
	defer look.Stop()
	var seen time.Time
	for {
		changed, stop := r.recorder.watch(id)
		run, rec, err := r.find(ctx, customer, id)
		if err != nil || d <= 0 || !run.EndedAt.IsZero() || rec.needsSomebody() || r.StatusOf(run, rec) == StatusInterrupted {
			stop()
			return run, err
		}
		if !run.UpdatedAt.Equal(seen) {
			seen = run.UpdatedAt
			news(run, rec)
		}
		select {
		case <-changed:
		case <-look.C:
		case <-over.C:
			d = 0
		case <-ctx.Done():
			d = 0
		}
		stop()
		if ctx.Err() != nil {
			return run, ctx.Err()
		}
	}
}

func (r *Runner) find(ctx context.Context, customer storage.CustomerID, id storage.RunID) (storage.Run, Record, error) {
	run, err := r.Get(ctx, customer, id)
	if err != nil {
		return run, Record{}, err
	}
	rec, err := RecordOf(run)
	return run, rec, err
}

// needsSomebody reports whether the run can't go on by itself.
func (rec *Record) needsSomebody() bool {
	return rec.Waiting != nil && rec.Waiting.ID != ""
}
