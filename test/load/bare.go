package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	mcpgo "github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/heycmo/heycmo-go/internal/rest"
	"github.com/heycmo/heycmo-go/storage"
)

// serveBare serves what ours is measured against: mcp-go's two transports with
// the same tool and default options, and a handler that encodes the same
// customer. There is no login, no limit and no owner of a session.
func serveBare(ctx context.Context, listener net.Listener, _ serverConfig, _ string) ([]customer, func() error, error) {
	s := mcpserver.NewMCPServer("bare", "1")
	s.AddTool(mcpgo.NewTool("page", mcpgo.WithDescription("Returns a text."), mcpgo.WithString("path", mcpgo.Required())),
		func(context.Context, mcpgo.CallToolRequest) (*mcpgo.CallToolResult, error) {
			return mcpgo.NewToolResultText(pageText), nil
		})
	sse := mcpserver.NewSSEServer(s)
	now := storage.Now()
	record := rest.CustomerOf(storage.Customer{
		ID: storage.CustomerID(storage.NewID()), Email: "c0@example.com", Status: storage.StatusActive,
		BrandName: "Brand 0", Website: "https://example.com", Plan: "pro", CreatedAt: now, UpdatedAt: now,
	})
	mux := http.NewServeMux()
	mux.Handle("/sse", sse)
	mux.Handle("/message", sse)
	mux.Handle("/mcp", mcpserver.NewStreamableHTTPServer(s))
	mux.HandleFunc("GET /api/customer/{id}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(record)
	})
	hs := &http.Server{Handler: mux}
	served := make(chan error, 1)
	go func() { served <- hs.Serve(listener) }()
	wait := func() error {
		sse.CloseSessions()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if hs.Shutdown(ending) != nil {
			_ = hs.Close()
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
	return []customer{{ID: string(record.ID)}}, wait, nil
}
