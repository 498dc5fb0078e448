package subscription

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/billing"
)

// pricesAge is how old prices may be that are shown.
const pricesAge = 10 * time.Minute

// prices remembers what plans cost.
type prices struct {
	pricer billing.Pricer // may be nil

	mu     sync.Mutex
	byID   map[string]billing.Price
	readAt time.Time
}

// Prices returns what is known of the prices of plans. When the provider doesn't
// answer, older ones do, or none.
func (s *Service) Prices(ctx context.Context) map[string]billing.Price {
	p := &s.prices
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pricer == nil || time.Since(p.readAt) < pricesAge {
		return p.byID
	}
	var ids []string
	for _, plan := range s.Plans {
		if plan.Price != "" {
			ids = append(ids, plan.Price)
		}
	}
	// For all who ask next, and not for this one alone.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	list, err := p.pricer.Prices(ctx, ids)
	if err != nil {
		s.Log.Warn("the payment provider didn't tell its prices", zap.Error(err))
		p.readAt = time.Now().Add(30*time.Second - pricesAge) // not at every request
		return p.byID
	}
	p.byID, p.readAt = map[string]billing.Price{}, time.Now()
	for _, price := range list {
		p.byID[price.ID] = price
	}
	return p.byID
}
