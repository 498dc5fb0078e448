package bunstore

import (
	"context"

	"github.com/heycmo/heycmo-go/storage"
)

// CreateCheckout is described at [storage.Checkouts].
func (s *Store) CreateCheckout(ctx context.Context, c storage.Checkout) error {
	row, err := newCheckoutRow(c)
	if err != nil {
		return err
	}
	return s.insertOf(ctx, c.CustomerID, &row)
}

// CheckoutBySession is described at [storage.Checkouts].
func (s *Store) CheckoutBySession(ctx context.Context, session [32]byte) (storage.Checkout, error) {
	var row checkoutRow
	err := s.read.NewSelect().Model(&row).Where("session = ?", session[:]).Order("id DESC").Limit(1).Scan(ctx)
	if err != nil {
		return storage.Checkout{}, wrap(ctx, err)
	}
	return row.record(), nil
}

// UpdateCheckout is described at [storage.Checkouts].
func (s *Store) UpdateCheckout(ctx context.Context, customer storage.CustomerID, id string, change func(*storage.Checkout) error) (storage.Checkout, error) {
	if err := checkText("customer", string(customer), "id", id); err != nil {
		return storage.Checkout{}, err
	}
	row := checkoutRow{ID: id, CustomerID: customer}
	err := s.update(ctx, &row, func() error {
		before := row.record()
		c := before
		if err := change(&c); err != nil {
			return err
		}
		c.ID, c.CustomerID, c.Request, c.CreatedAt = id, customer, before.Request, before.CreatedAt
		var err error
		row, err = newCheckoutRow(c)
		return err
	})
	if err != nil {
		return storage.Checkout{}, err
	}
	return row.record(), nil
}

// Checkouts is described at [storage.Checkouts].
func (s *Store) Checkouts(ctx context.Context, customer storage.CustomerID, p storage.Page) ([]storage.Checkout, error) {
	if err := checkText("customer", string(customer)); err != nil {
		return nil, err
	}
	return list[storage.Checkout, checkoutRow](ctx, s.read.NewSelect().Where("customer_id = ?", customer), "id", p)
}
