package billing_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/pgstore"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// childOrder is the environment variable with the order for a child process.
const childOrder = "HEYCMO_TEST_BILLING_CHILD"

func TestMain(m *testing.M) {
	if text := os.Getenv(childOrder); text != "" {
		if err := runChild(text); err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// order is what a child process serves, and when it is killed.
type order struct {
	Database, Stripe, Key, Secret, Price string
	// Log is a file for the events that are handed out.
	Log string
	// KillAt is the number of the boundary at which the process kills itself; 0:
	// never. A boundary is before and after each transaction, each other change in
	// the database, and each call to Stripe.
	KillAt int64
}

// child is a process that serves.
type child struct {
	*exec.Cmd
	url  string
	in   io.Closer
	done chan struct{} // closed when it has ended
}

func startChild(t *testing.T, o order) *child {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	c := &child{Cmd: exec.Command(os.Args[0]), done: make(chan struct{})}
	c.Env = append(os.Environ(), childOrder+"="+string(text))
	c.Stderr = os.Stderr
	if c.in, err = c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	go func() {
		defer close(c.done)
		_ = c.Wait() // killed, mostly
	}()
	t.Cleanup(c.stop)
	if err == nil {
		c.url = strings.TrimSpace(line)
	}
	return c // without a URL when it was killed before it could serve
}

// stop ends the process: it serves as long as its standard input is open.
func (c *child) stop() {
	_ = c.in.Close()
	<-c.done
}

// boundaries counts, and kills the process when it is time.
type boundaries struct {
	killAt int64
	passed atomic.Int64
}

func (b *boundaries) pass() {
	if b.passed.Add(1) == b.killAt {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // not one step more
	}
}

func runChild(text string) (err error) {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { // the parent has gone, or wants it so
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	b := &boundaries{killAt: o.KillAt}
	var opened interface {
		storage.Store
		storage.Billing
		io.Closer
	}
	if strings.HasPrefix(o.Database, "postgres") {
		opened, err = pgstore.Open(ctx, o.Database, nil)
	} else {
		opened, err = sqlitestore.Open(ctx, o.Database, nil)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	provider, err := stripebilling.New(o.Key, &stripebilling.Options{
		BaseURL: o.Stripe, WebhookSecrets: []string{o.Secret}, Transport: mortalCalls{http.DefaultTransport, b},
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	url := "http://" + listener.Addr().String()
	log, err := os.OpenFile(o.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	server, err := heycmo.New(&mortal{opened, opened, b}, &heycmo.Options{
		Log: zap.NewNop(), PublicURL: url, Catalog: &agent.Catalog{},
		Limits: heycmo.Limits{REST: -1, MCP: -1, Checkout: -1},
		Billing: &heycmo.Billing{
			Provider: provider,
			Plans:    []billing.Plan{{ID: "basic", Name: "Basic", Price: o.Price}},
			Policy:   billing.DecideOptions{Grace: time.Hour},
		},
		OnEvent: func(_ context.Context, e storage.Event) error {
			_, err := fmt.Fprintf(log, "%s %s\n", e.Type, e.ID)
			return err
		},
	})
	if err != nil {
		return err
	}
	fmt.Println(url)
	return server.Serve(ctx, listener, nil)
}

// mortalCalls is the way to Stripe of a process that may be killed on it.
type mortalCalls struct {
	http.RoundTripper
	b *boundaries
}

func (m mortalCalls) RoundTrip(r *http.Request) (*http.Response, error) {
	m.b.pass()
	res, err := m.RoundTripper.RoundTrip(r)
	m.b.pass()
	return res, err
}

// mortal is a store in a process that may be killed around its changes.
type mortal struct {
	storage.Store
	storage.Billing
	b *boundaries
}

func (m *mortal) InTx(ctx context.Context, fn func(context.Context, storage.Store) error) error {
	m.b.pass()
	err := m.Store.InTx(ctx, func(ctx context.Context, tx storage.Store) error {
		if err := fn(ctx, tx); err != nil {
			return err
		}
		m.b.pass() // before the commit
		return nil
	})
	m.b.pass()
	return err
}

func (m *mortal) UpdateAccount(ctx context.Context, customer storage.CustomerID, change func(*storage.Account) error) (storage.Account, error) {
	a, err := m.Billing.UpdateAccount(ctx, customer, change)
	m.b.pass()
	return a, err
}

func (m *mortal) LeaseAccounts(ctx context.Context, lease string, now, until time.Time, limit int) ([]storage.Account, error) {
	list, err := m.Billing.LeaseAccounts(ctx, lease, now, until, limit)
	if len(list) > 0 {
		m.b.pass()
	}
	return list, err
}

func (m *mortal) TakeEffects(ctx context.Context, now, again time.Time, limit int) ([]storage.Effect, error) {
	list, err := m.Billing.TakeEffects(ctx, now, again, limit)
	if len(list) > 0 {
		m.b.pass()
	}
	return list, err
}

func (m *mortal) UpdateEffect(ctx context.Context, id string, change func(*storage.Effect) error) (storage.Effect, error) {
	m.b.pass() // it is done, and not stored
	e, err := m.Billing.UpdateEffect(ctx, id, change)
	m.b.pass()
	return e, err
}

func (m *mortal) Settle(ctx context.Context, uses []storage.Use) error {
	err := m.Billing.Settle(ctx, uses)
	m.b.pass()
	return err
}
