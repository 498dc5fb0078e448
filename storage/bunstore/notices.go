package bunstore

import (
	"context"
	"time"

	"github.com/heycmo/heycmo-go/storage"
)

// CreateNotice is described at [storage.Notices].
func (s *Store) CreateNotice(ctx context.Context, n storage.Notice) error {
	row, err := newNoticeRow(n)
	if err != nil {
		return err
	}
	return s.insert(ctx, &row)
}

// LastNotice is described at [storage.Notices].
func (s *Store) LastNotice(ctx context.Context, provider string) (storage.Notice, error) {
	if err := checkText("provider", provider); err != nil {
		return storage.Notice{}, err
	}
	var row noticeRow
	err := s.read.NewSelect().Model(&row).Where("provider = ?", provider).
		OrderExpr("created_at DESC NULLS LAST, id DESC").Limit(1).Scan(ctx)
	if err != nil {
		return storage.Notice{}, wrap(ctx, err)
	}
	return row.record(), nil
}

// DeleteNotices is described at [storage.Notices].
func (s *Store) DeleteNotices(ctx context.Context, t time.Time) (int, error) {
	n, err := s.exec(ctx, s.write.NewDelete().Model((*noticeRow)(nil)).Where("received_at < ?", t.UnixMicro()))
	return int(n), err
}
