package heycmo_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/billing"
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

// newBench returns a host and a customer, who has the plan if there is one.
func newBench(b *testing.B, plan *billing.Plan) (*heycmo.Server, heycmo.Provisioned) {
	b.Helper()
	store, err := sqlitestore.Open(b.Context(), sqlitestore.Memory, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	opts := &heycmo.Options{
		Limits: heycmo.Limits{REST: 1_000_000, MCP: 1_000_000},
		Catalog: &agent.Catalog{Tools: []*agent.Tool{
			agent.NewTool("page", "Returns a page.", func(context.Context, storage.CustomerID, struct{}) (agent.Result, error) {
				return agent.Text("a page"), nil
			}, nil),
		}},
	}
	customer := heycmo.NewCustomer{Email: "ada@example.com"}
	if plan != nil {
		opts.Billing = &heycmo.Billing{Plans: []billing.Plan{*plan}}
		customer.Plan = plan.ID
	}
	srv, err := heycmo.New(store, opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = srv.Shutdown(context.Background()) })
	p, err := srv.Admin().Provision(b.Context(), customer)
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
	srv, p := newBench(b, nil)
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://localhost/api/customer/"+string(p.Customer.ID), nil)
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:1234"
	r.Header.Set("Authorization", "Bearer "+p.APIKey.Reveal())
	serve(b, srv, r, "")
}

func BenchmarkCallTool(b *testing.B) {
	srv, p := newBench(b, nil)
	serve(b, srv, callOfTool(b, p), callBody)
}

const callBody = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"page","arguments":{},"_meta":{` +
	`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`

func callOfTool(b *testing.B, p heycmo.Provisioned) *http.Request {
	b.Helper()
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
	return r
}

// BenchmarkMetering measures what a call costs more on a host that counts usage. Three
// hosts take turns with a thousand calls each: one that doesn't count, one whose plan
// has no limit, and one whose limit is out of reach. The metrics are the medians of
// the ratios to the first one.
func BenchmarkMetering(b *testing.B) {
	const calls = 1000
	turns := []func() time.Duration{
		turn(b, nil, calls),
		turn(b, &billing.Plan{ID: "free", Name: "Without a limit"}, calls),
		turn(b, &billing.Plan{ID: "pro", Name: "With a limit", Quotas: map[string]int64{agent.MetricToolCalls: 1 << 60}}, calls),
	}
	for range 10 { // until blocks of units are as large as they become
		for _, turn := range turns {
			turn()
		}
	}
	var ratios [3][]float64
	for b.Loop() {
		var took [3]time.Duration
		for _, i := range rand.Perm(len(turns)) {
			took[i] = turns[i]()
		}
		for i := range turns {
			ratios[i] = append(ratios[i], float64(took[i])/float64(took[0]))
		}
	}
	for i, name := range []string{"", "ratio-without-limit", "ratio-with-limit"} {
		if name != "" {
			slices.Sort(ratios[i])
			b.ReportMetric(ratios[i][len(ratios[i])/2], name)
		}
	}
}

// turn returns a number of calls at a host of their own, which is running. Without a
// plan it counts nothing.
func turn(b *testing.B, plan *billing.Plan, calls int) func() time.Duration {
	b.Helper()
	srv, p := newBench(b, plan)
	go srv.Run(b.Context())
	r := callOfTool(b, p)
	return func() time.Duration {
		began := time.Now()
		for range calls {
			w := &sink{header: http.Header{}}
			r.Body = io.NopCloser(bytes.NewReader([]byte(callBody)))
			if srv.ServeHTTP(w, r); w.status != http.StatusOK {
				b.Fatal(w.status)
			}
		}
		return time.Since(began)
	}
}
