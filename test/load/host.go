package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/mcp"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// pageText is what the tool "page" returns: 1 KiB.
var pageText = strings.Repeat("All work and no play makes a page. ", 30)[:1024]

// bulkText is what the tool "bulk" returns: 256 KiB.
var bulkText = strings.Repeat(pageText, 256)

// outOfReach is the largest limit that can be counted: one request each
// microsecond.
const outOfReach = 60_000_000

type pageInput struct {
	Path string `json:"path"`
}

// serveHost serves our host as heycmo-server does, with a database in a file and
// a catalog made for load.
func serveHost(ctx context.Context, listener net.Listener, c serverConfig, folder string) ([]customer, func() error, error) {
	store, err := sqlitestore.Open(ctx, filepath.Join(folder, "load.db"), nil)
	if err != nil {
		return nil, nil, err
	}
	o := &heycmo.Options{
		Catalog: &agent.Catalog{Tools: []*agent.Tool{textTool("page", pageText), textTool("bulk", bulkText)}},
		Limits:  heycmo.Limits{REST: outOfReach, MCP: outOfReach},
		MCP:     &mcp.Options{HijackStreams: true},
	}
	if c.Limits {
		o.Limits = heycmo.Limits{}
	}
	if c.Log {
		if o.Log, err = accessLog(filepath.Join(folder, "access.log")); err != nil {
			return nil, nil, err
		}
	}
	srv, err := heycmo.New(store, o)
	if err != nil {
		return nil, nil, err
	}
	customers, err := makeCustomers(ctx, store, c.Customers)
	if err != nil {
		return nil, nil, fmt.Errorf("customers: %w", err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx, listener, nil) }()
	return customers, func() error { return errors.Join(<-served, store.Close()) }, nil
}

func textTool(name, text string) *agent.Tool {
	return agent.NewTool(name, "Returns a text.", func(context.Context, storage.CustomerID, pageInput) (agent.Result, error) {
		return agent.Text(text), nil
	}, &agent.ToolOptions{ReadOnly: true})
}

// accessLog returns the logger of heycmo-server in production, at its default
// level, into a file.
func accessLog(path string) (*zap.Logger, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	config := zap.NewProductionEncoderConfig()
	config.EncodeTime = zapcore.ISO8601TimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(config), zapcore.Lock(file), zapcore.InfoLevel)), nil
}

// makeCustomers makes n customers with a key each, in one transaction.
func makeCustomers(ctx context.Context, store storage.Store, n int) ([]customer, error) {
	customers := make([]customer, n)
	err := store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		for i := range customers {
			now, key := storage.Now(), auth.NewAPIKey()
			c := storage.Customer{
				ID: storage.CustomerID(storage.NewID()), Email: fmt.Sprintf("c%d@example.com", i), Status: storage.StatusActive,
				BrandName: fmt.Sprint("Brand ", i), Website: "https://example.com", Plan: "pro", CreatedAt: now, UpdatedAt: now,
			}
			if err := tx.CreateCustomer(ctx, c); err != nil {
				return err
			}
			if err := tx.CreateKey(ctx, storage.Key{
				ID: storage.KeyID(storage.NewID()), CustomerID: c.ID, Name: "first key",
				Hash: key.Hash(), LastFour: key.LastFour(), CreatedAt: now,
			}); err != nil {
				return err
			}
			customers[i] = customer{string(c.ID), key.Reveal()}
		}
		return nil
	})
	return customers, err
}
