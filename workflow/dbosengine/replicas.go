package dbosengine

import (
	"context"
	"fmt"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// beat is how often a process says that it lives, and looks for others that don't.
	beat = 10 * time.Second
	// silence is after how long one that says nothing has gone.
	silence = time.Minute
	// deaf is how long after its start a process may not hear what is sent to its runs.
	deaf = time.Minute
	// takenOver is how many runs are taken over at once.
	takenOver = 200
)

// replicas are the processes that share a PostgreSQL database. The library leaves the
// runs of one that has gone where they are until the same executor ID comes back.
type replicas struct {
	pool  *pgxpool.Pool
	table string
	sent  string // the library's table of what was sent to runs
	self  string

	beat, silence time.Duration
}

func newReplicas(ctx context.Context, dsn, schema, self string) (*replicas, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns, config.MinConns = 2, 0
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &replicas{
		pool: pool, table: pgx.Identifier{schema, "heycmo_executors"}.Sanitize(), sent: pgx.Identifier{schema, "notifications"}.Sanitize(),
		self: self, beat: beat, silence: silence,
	}, nil
}

// setUp makes the table, and says for the first time that this process lives: before it
// has runs, so that every owner of a run is known.
func (r *replicas) setUp(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		// Two processes that make the same table at once fail without it.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, r.table); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS `+r.table+` (id TEXT PRIMARY KEY, seen_at TIMESTAMPTZ NOT NULL)`)
		return err
	})
	if err != nil {
		return err
	}
	return r.say(ctx, "now()")
}

// say stores when this process was seen last.
func (r *replicas) say(ctx context.Context, when string) error {
	_, err := r.pool.Exec(ctx, `INSERT INTO `+r.table+` (id, seen_at) VALUES ($1, `+when+`)
		ON CONFLICT (id) DO UPDATE SET seen_at = EXCLUDED.seen_at`, r.self)
	return err
}

// leave says that this process has gone, and lets go of the database.
func (r *replicas) leave(ctx context.Context) error {
	defer r.pool.Close()
	return r.say(ctx, "to_timestamp(0)")
}

// run keeps this process known, and takes over from those that have gone, until ctx ends.
func (r *replicas) run(ctx context.Context, root dbos.Context, failed func(error)) {
	ticker, began := time.NewTicker(r.beat), time.Now()
	defer ticker.Stop()
	for {
		if err := r.takeOver(ctx, root); err != nil && ctx.Err() == nil {
			failed(fmt.Errorf("taking over from other processes: %w", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := r.say(ctx, "now()"); err != nil && ctx.Err() == nil {
			failed(fmt.Errorf("saying that this process lives: %w", err))
		}
		if time.Since(began) < deaf {
			if err := r.remind(ctx); err != nil && ctx.Err() == nil {
				failed(fmt.Errorf("telling runs of what was sent: %w", err))
			}
		}
	}
}

// remind tells runs that wait of what was sent and they have not taken. PostgreSQL tells
// them when it is sent, but only those who listen: a run that begins to wait before the
// library's listener has connected would sleep until its time is over.
func (r *replicas) remind(ctx context.Context) error {
	_, err := r.pool.Exec(ctx, `SELECT pg_notify('dbos_notifications_channel', payload)
		FROM (SELECT DISTINCT destination_uuid || '::' || topic AS payload FROM `+r.sent+` WHERE NOT consumed) AS waiting`)
	return err
}

// takeOver puts the runs of processes that have gone back in the queue, from which any
// process takes them. One process does it at a time. Should it be wrong about one that
// is only slow, the library lets one of the two store each step.
func (r *replicas) takeOver(ctx context.Context, root dbos.Context) error {
	return pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 1))`, r.table).Scan(&mine); err != nil || !mine {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT id FROM `+r.table+` WHERE id <> $1 AND seen_at < now() - make_interval(secs => $2)`, r.self, r.silence.Seconds())
		if err != nil {
			return err
		}
		gone, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, id := range gone {
			if err := resume(root, id); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `DELETE FROM `+r.table+` WHERE id = $1 AND seen_at < now() - make_interval(secs => $2)`, id, r.silence.Seconds()); err != nil {
				return err
			}
		}
		return nil
	})
}

// resume puts all runs of an executor back in the queue.
func resume(root dbos.Context, executor string) error {
	for {
		list, err := dbos.ListWorkflows(root, dbos.WithFilterStatus(dbos.WorkflowStatusPending), dbos.WithFilterExecutorIDs(executor),
			dbos.WithFilterLimit(takenOver), dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(false))
		if err != nil || len(list) == 0 {
			return err
		}
		ids := make([]string, len(list))
		for i, w := range list {
			ids[i] = w.ID
		}
		if _, err := dbos.ResumeWorkflows[any](root, ids); err != nil {
			return err
		}
	}
}
