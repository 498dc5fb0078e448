package heycmo_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// sink is a ResponseWriter that keeps only the status, so that a benchmark shows
// what a request costs without net/http.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
}
func (s *sink) Flush()                      {}
func (s *sink) Write(p []byte) (int, error) { s.WriteHeader(http.StatusOK); return len(p), nil }

func newBench(b *testing.B) (*heycmo.Server, heycmo.Provisioned) {
	b.Helper()
	store, err := sqlitestore.Open(b.Context(), sqlitestore.Memory, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	srv, err := heycmo.New(store, &heycmo.Options{
		Limits: heycmo.Limits{REST: 1_000_000, MCP: 1_000_000},
		Catalog: &agent.Catalog{Tools: []*agent.Tool{
			agent.NewTool("page", "Returns a page.", func(context.Context, storage.CustomerID, struct{}) (agent.Result, error) {
				return agent.Text("a page"), nil
			}, nil),
		}},
	})
	if err != nil {
		b.Fatal(err)
	}
	p, err := srv.Admin().Provision(b.Context(), heycmo.NewCustomer{Email: "ada@example.com"})
	if err != nil {
		b.Fatal(err)
	}
	return srv, p
}

// serve sends the same request over and over.
func serve(b *testing.B, srv http.Handler, r *http.Request, body string) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		w := &sink{header: http.Header{}}
		if body != "" {
			r.Body = io.NopCloser(bytes.NewReader([]byte(body)))
		}
		srv.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			b.Fatal(w.status)
		}
	}
}

func BenchmarkCustomer(b *testing.B) {
	srv, p := newBench(b)
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://localhost/api/customer/"+string(p.Customer.ID), nil)
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:1234"
	r.Header.Set("Authorization", "Bearer "+p.APIKey.Reveal())
	serve(b, srv, r, "")
}

func BenchmarkCallTool(b *testing.B) {
	srv, p := newBench(b)
	const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"page","arguments":{},"_meta":{` +
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://localhost/mcp", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:1234"
	for name, value := range map[string]string{
		"Authorization": "Bearer " + p.APIKey.Reveal(), "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "page",
	} {
		r.Header.Set(name, value)
	}
	serve(b, srv, r, body)
}
