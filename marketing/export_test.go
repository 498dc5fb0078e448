package marketing

import (
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

// NewAt returns the catalog of the built-in team for whom it is always now.
func NewAt(store storage.Store, now time.Time) (*agent.Catalog, error) {
	agents, err := teamOf(Agents(), nil)
	t := &team{store: store, agents: agents, now: func() time.Time { return now }}
	return t.catalog(), err
}

// StartText is the prompt to start with for a catalog with these tools.
func StartText(website, brandName string, canRead, canScan bool) string {
	return startText(website, brand{BrandName: brandName}, canRead, canScan)
}
