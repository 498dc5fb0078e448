package bunstore

import (
	"context"
	"database/sql"
	"strings"
	"sync/atomic"

	"github.com/heycmo/heycmo-go/storage"
)

const keyByHash = `SELECT
	k.id, k.customer_id, k.name, k.hash, k.last_four, k.created_at, k.last_used_at, k.expires_at,
	coalesce(c.external_id, ''), coalesce(c.idempotency_key, ''), c.email, c.status,
	c.brand_name, c.website, c.plan, c.onboarding, c.suspended_at, c.entitled_until, c.created_at, c.updated_at
FROM api_keys AS k JOIN customers AS c ON c.id = k.customer_id
WHERE k.hash = ?`

// KeyByHash is described at [storage.Keys].
func (s *Store) KeyByHash(ctx context.Context, hash [32]byte) (storage.Key, storage.Customer, error) {
	var row *sql.Row
	if s.lookup != nil {
		stmt, err := s.lookup.stmt(ctx)
		if err != nil {
			return storage.Key{}, storage.Customer{}, wrap(ctx, err)
		}
		row = stmt.QueryRowContext(ctx, hash[:])
	} else {
		row = s.read.QueryRowContext(ctx, keyByHash, hash[:])
	}
	var k keyRow
	var c customerRow
	err := row.Scan(
		&k.ID, &k.CustomerID, &k.Name, &k.Hash, &k.LastFour, &k.CreatedAt, &k.LastUsedAt, &k.ExpiresAt,
		&c.ExternalID, &c.IdempotencyKey, &c.Email, &c.Status,
		&c.BrandName, &c.Website, &c.Plan, &c.Onboarding, &c.SuspendedAt, &c.EntitledUntil, &c.CreatedAt, &c.UpdatedAt)
	if err != nil {
		return storage.Key{}, storage.Customer{}, wrap(ctx, err)
	}
	c.ID = k.CustomerID
	return k.record(), c.record(), nil
}

// prepared is a statement that is prepared at its first use. It lives as long as
// the database.
type prepared struct {
	db    *sql.DB
	query string
	done  atomic.Pointer[sql.Stmt]
}

func (p *prepared) stmt(ctx context.Context) (*sql.Stmt, error) {
	if stmt := p.done.Load(); stmt != nil {
		return stmt, nil
	}
	stmt, err := p.db.PrepareContext(ctx, p.query)
	if err != nil {
		return nil, err
	}
	if !p.done.CompareAndSwap(nil, stmt) { // someone was faster
		_ = stmt.Close()
	}
	return p.done.Load(), nil
}

// placeholders writes the placeholder of a query with one as the driver wants it.
func (s *Store) placeholders(query string) string {
	if s.postgres() {
		return strings.Replace(query, "?", "$1", 1)
	}
	return query
}
