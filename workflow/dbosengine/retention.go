package dbosengine

import (
	"context"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

const (
	defaultKeep   = 30 * 24 * time.Hour
	purgeInterval = time.Hour
	purged        = 500 // at once
)

// purge forgets runs that ended long ago, until ctx ends.
func (e *Engine) purge(ctx context.Context, root dbos.Context, failed func(error)) {
	ticker := time.NewTicker(purgeInterval)
	defer ticker.Stop()
	for {
		if err := purgeBefore(ctx, root, time.Now().Add(-e.keep)); err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func purgeBefore(ctx context.Context, root dbos.Context, t time.Time) error {
	for ctx.Err() == nil {
		list, err := dbos.ListWorkflows(root,
			dbos.WithFilterStatus(dbos.WorkflowStatusSuccess, dbos.WorkflowStatusError, dbos.WorkflowStatusCancelled),
			dbos.WithFilterCompletedBefore(t), dbos.WithFilterLimit(purged), dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(false))
		if err != nil || len(list) == 0 {
			return err
		}
		ids := make([]string, len(list))
		for i, w := range list {
			ids[i] = w.ID
		}
		if err := dbos.DeleteWorkflows(root, ids); err != nil {
			return err
		}
	}
	return nil
}
