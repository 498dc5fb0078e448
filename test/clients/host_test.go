package clients

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/mcp"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// host is a server with tools that tell the test what happens in them.
type host struct {
	address string
	runs    runs

	options heycmo.Options
	store   *sqlitestore.Store
	server  *heycmo.Server
	stop    func() // waits until it has stopped; may be called often
}

// target is where a client finds a server, and its key.
type target struct {
	URL    string `json:"url"`
	SSEURL string `json:"sseUrl"`
	Token  string `json:"token"`
}

func newHost(t *testing.T, limits heycmo.Limits, options mcp.Options) *host {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	secret := sha256.Sum256([]byte(t.Name()))
	options.HijackStreams = true // as in heycmo-server
	h := &host{address: "127.0.0.1:0", store: store}
	h.options = heycmo.Options{
		SecretKeys: []heycmo.SecretKey{{ID: "test", Key: secret[:]}},
		Limits:     limits,
		Tools:      h.tools(),
		MCP:        &options,
	}
	h.start(t)
	t.Cleanup(func() {
		h.stop()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// unlimited lets clients call as often as they like.
var unlimited = heycmo.Limits{MCP: -1, Login: -1}

// start serves, on the address of the last time if there was one.
func (h *host) start(t *testing.T) {
	t.Helper()
	var err error
	if h.server, err = heycmo.New(h.store, &h.options); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", h.address)
	if err != nil {
		t.Fatal(err)
	}
	h.address = listener.Addr().String()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	server := h.server
	go func() { ended <- server.Serve(ctx, listener, nil) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(patience):
			t.Error("the server did not stop")
		}
	})
}

// customer makes a customer and returns where its client connects. The address
// may be that of a proxy.
func (h *host) customer(t *testing.T, address string) target {
	t.Helper()
	p, err := h.server.Admin().Provision(t.Context(), heycmo.NewCustomer{Email: "ada@example.com", BrandName: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + address
	return target{URL: base + "/mcp", SSEURL: base + "/mcp/sse", Token: p.APIKey.Reveal()}
}

// tools are: echo; count, which reports progress; wait, which lasts until its
// context ends; and say, which logs.
func (h *host) tools() []*agent.Tool {
	type text struct {
		Text string `json:"text"`
	}
	echo := func(_ context.Context, _ storage.CustomerID, in text) (text, error) { return in, nil }
	count := func(ctx context.Context, _ storage.CustomerID, in struct {
		To  int    `json:"to"`
		Run string `json:"run,omitempty"` // wait after each step until the test goes on
	}) (text, error) {
		for i := range in.To {
			agent.Progress(ctx, float64(i+1), float64(in.To), fmt.Sprint("step ", i+1))
			if in.Run == "" {
				continue
			}
			select {
			case <-h.runs.get(in.Run).next:
			case <-ctx.Done():
				return text{}, ctx.Err()
			}
		}
		return text{fmt.Sprint("counted to ", in.To)}, nil
	}
	wait := func(ctx context.Context, _ storage.CustomerID, in struct {
		Run      string `json:"run"`
		Progress bool   `json:"progress,omitempty"`
	}) (text, error) {
		r := h.runs.get(in.Run)
		if in.Progress {
			agent.Progress(ctx, 1, 0, "begun")
		}
		close(r.began)
		<-ctx.Done()
		close(r.ended)
		return text{"ended"}, nil
	}
	say := func(ctx context.Context, _ storage.CustomerID, in text) (text, error) {
		for _, level := range []agent.Level{agent.LevelDebug, agent.LevelInfo, agent.LevelWarning, agent.LevelError} {
			agent.Log(ctx, level, in.Text)
		}
		return in, nil
	}
	return []*agent.Tool{
		agent.NewTool("echo", "Returns its text.", echo, nil),
		agent.NewTool("count", "Counts and reports each step.", count, nil),
		agent.NewTool("wait", "Lasts until it is cancelled.", wait, nil),
		agent.NewTool("say", "Logs its text at several levels.", say, nil),
	}
}

// run is a call of a tool that the test takes part in.
type run struct{ began, next, ended chan struct{} }

// runs finds them by the name that the caller gave.
type runs struct {
	mu     sync.Mutex
	byName map[string]*run
}

func (r *runs) get(name string) *run {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byName == nil {
		r.byName = map[string]*run{}
	}
	if r.byName[name] == nil {
		r.byName[name] = &run{make(chan struct{}), make(chan struct{}, 1), make(chan struct{})}
	}
	return r.byName[name]
}

// await waits for a signal.
func await(t *testing.T, what string, signal <-chan struct{}) {
	t.Helper()
	receive(t, what, signal)
}
