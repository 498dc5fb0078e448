package bunstore

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/heycmo/heycmo-go/storage"
)

// owned are the tables with a column customer_id, those that others refer to
// after them.
var owned = []bun.Ident{
	"api_keys", "events", "documents",
	"account_names", "billing_accounts", "checkouts", "notices", "effects",
	"reservations", "usage_counts", "usage_days",
}

// DeletePending is described at [storage.Checkouts].
func (s *Store) DeletePending(ctx context.Context, t time.Time) (int, error) {
	deleted := 0
	for {
		n, err := s.deletePending(ctx, t)
		if err != nil {
			return deleted, err
		}
		if deleted += n; n < chunkSize {
			return deleted, nil
		}
	}
}

// deletePending deletes the first of them.
func (s *Store) deletePending(ctx context.Context, t time.Time) (deleted int, err error) {
	err = s.inTx(ctx, func(tx *Store) error {
		ids, err := tx.lockPending(ctx, t)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, table := range owned {
			_, err := tx.exec(ctx, tx.write.NewRaw("DELETE FROM ? WHERE customer_id IN ?", table, bun.Tuple(ids)))
			if err != nil {
				return err
			}
		}
		deleted = len(ids)
		_, err = tx.exec(ctx, tx.write.NewDelete().Model((*customerRow)(nil)).Where("id IN ?", bun.Tuple(ids)))
		return err
	})
	if err != nil {
		return 0, err
	}
	return deleted, nil
}

// lockPending returns the oldest pending customers that were made before t, who
// stay so until the end of the transaction.
func (s *Store) lockPending(ctx context.Context, t time.Time) (ids []storage.CustomerID, err error) {
	pending := s.read.NewSelect().Model((*customerRow)(nil)).Column("id").
		Where("status = ?", storage.StatusPending).Where("created_at < ?", t.UnixMicro()).
		Where("NOT EXISTS (SELECT 1 FROM account_names AS n WHERE n.customer_id = c.id)").
		Order("created_at", "id").Limit(chunkSize)
	if s.postgres() {
		// Who works on a customer has locked the account first.
		var accounts []storage.CustomerID
		err := s.read.NewSelect().Model((*accountRow)(nil)).Column("customer_id").Where("customer_id IN (?)", pending).
			Order("customer_id").For("UPDATE").Scan(ctx, &accounts)
		if err != nil {
			return nil, wrap(ctx, err)
		}
	}
	err = s.lock(pending, "UPDATE").Scan(ctx, &ids)
	return ids, wrap(ctx, err)
}
