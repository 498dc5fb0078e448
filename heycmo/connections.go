package heycmo

import (
	"errors"

	"github.com/heycmo/heycmo-go/internal/connection"
	"github.com/heycmo/heycmo-go/internal/seal"
	"github.com/heycmo/heycmo-go/storage"
)

// ring returns the keys that encrypt, or nil when there are none.
func (o *Options) ring() (*seal.Ring, error) {
	if len(o.SecretKeys) == 0 {
		return nil, nil
	}
	keys := make([]seal.Key, len(o.SecretKeys))
	for i, k := range o.SecretKeys {
		keys[i] = seal.Key{ID: k.ID, Secret: k.Key}
	}
	return seal.New(keys...)
}

// connections returns what keeps customers' accounts, or nil for a host without platforms.
func (o *Options) connections(s *Server, store storage.Store) (*connection.Service, error) {
	if len(o.Platforms) == 0 {
		return nil, nil
	}
	ring, err := o.ring()
	if err != nil {
		return nil, err
	}
	if ring == nil {
		return nil, errors.New("SecretKeys must be set: what opens accounts of Platforms is encrypted with them")
	}
	return connection.New(connection.Config{
		Store: store, Ring: ring, Platforms: o.Platforms, Notify: o.Notifier != nil, Wake: func() { s.outbox.Wake() }, Log: o.Log,
	})
}
