package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/app"
	"github.com/heycmo/heycmo-go/internal/recent"
	"github.com/heycmo/heycmo-go/internal/usage"
	"github.com/heycmo/heycmo-go/ratelimit"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

var month = billing.Period{Start: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}

// metered is a customer of a host that counts what they use.
type metered struct {
	*testing.T
	*app.App
	meter  *usage.Meter
	caller auth.Principal
}

type words struct {
	Word string `json:"word,omitempty"`
}

func tool(name string, uses map[string]int64, call func(ctx context.Context) error) *agent.Tool {
	return agent.NewTool(name, "For tests.", func(ctx context.Context, _ storage.CustomerID, _ words) (agent.Result, error) {
		return agent.Text("done"), call(ctx)
	}, &agent.ToolOptions{Uses: uses})
}

// newMetered returns a customer with a plan.
func newMetered(t *testing.T, plan billing.Plan, tools ...*agent.Tool) *metered {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), sqlitestore.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	meter, err := usage.New(usage.Config{
		Store: store,
		Allowance: func(_ context.Context, _ storage.CustomerID, metric string) (usage.Allowance, error) {
			a := usage.Allowance{Limit: -1, Period: month, Upgrade: "https://example.com/plans"}
			if limit, ok := plan.Limit(metric); ok {
				a.Limit = limit
			}
			return a, nil
		},
		Log: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	catalog := &agent.Catalog{Tools: tools}
	if err := catalog.Validate(); err != nil {
		t.Fatal(err)
	}
	a := app.New(app.Config{
		Store: recent.New(store), Authenticator: auth.Keys(store), Limiter: ratelimit.NewMemory(nil), Catalog: catalog,
		Usage: meter, PlanOf: func(context.Context, storage.CustomerID) (billing.Plan, error) { return plan, nil },
		Log: zap.NewNop(),
	})
	p := provision(t, a)
	return &metered{t, a, meter, auth.Principal{Customer: p.Customer.ID, Key: p.Key.ID}}
}

func (m *metered) calls(name, args string) (agent.Result, error) {
	m.Helper()
	return m.CallTool(m.Context(), m.caller, name, json.RawMessage(args))
}

// uses compares what was used of a metric.
func (m *metered) uses(metric string, want int64) {
	m.Helper()
	if err := m.FlushUsage(m.Context()); err != nil {
		m.Fatal(err)
	}
	b, err := m.meter.Balance(m.Context(), m.caller.Customer, metric)
	if err != nil || b.Used != want || b.Held != 0 {
		m.Errorf("%s: %d are used, %d held, %v; want %d", metric, b.Used, b.Held, err, want)
	}
}

func TestCallsAreCounted(t *testing.T) {
	fine := func(context.Context) error { return nil }
	secret := errors.New("secret")
	for name, c := range map[string]struct {
		tool          *agent.Tool
		args          string
		calls, images int64
		fails         bool
	}{
		"one of the default":    {tool("t", nil, fine), "", 1, 0, false},
		"nothing":               {tool("t", map[string]int64{}, fine), "", 0, 0, false},
		"what the tool says":    {tool("t", map[string]int64{"tool_calls": 2, "images": 7}, fine), "", 2, 7, false},
		"a refusal":             {tool("t", nil, func(context.Context) error { return agent.Errorf("no") }), "", 0, 0, true},
		"a failure":             {tool("t", nil, func(context.Context) error { return secret }), "", 0, 0, true},
		"a panic":               {tool("t", nil, func(context.Context) error { panic(secret) }), "", 0, 0, true},
		"arguments that are no": {tool("t", nil, fine), `{"number":1}`, 0, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMetered(t, billing.Plan{Quotas: map[string]int64{"tool_calls": 100}}, c.tool)
			if _, err := m.calls("t", c.args); (err != nil) != c.fails {
				t.Errorf("error %v", err)
			}
			m.uses("tool_calls", c.calls)
			m.uses("images", c.images)
		})
	}
}

func TestAToolThatIsUnknownUsesNothing(t *testing.T) {
	m := newMetered(t, billing.Plan{})
	if _, err := m.calls("t", ""); err == nil {
		t.Error("no error")
	}
	m.uses("tool_calls", 0)
}

// TestSpend: what a tool takes while it runs counts as it says, and as taken if it
// says nothing, even if the call fails.
func TestSpend(t *testing.T) {
	for name, c := range map[string]struct {
		call func(ctx context.Context) error
		want int64
	}{
		"settled": {func(ctx context.Context) error { return spend(ctx, 100, 70) }, 70},
		"more":    {func(ctx context.Context) error { return spend(ctx, 100, 130) }, 130},
		"nothing": {func(ctx context.Context) error { return spend(ctx, 100, 0) }, 0},
		"left":    {func(ctx context.Context) error { return spend(ctx, 100, -1) }, 100},
		"often": {func(ctx context.Context) error {
			return errors.Join(spend(ctx, 10, 1), spend(ctx, 10, -1), spend(ctx, 10, 3))
		}, 14},
		"and failed": {func(ctx context.Context) error {
			return errors.Join(spend(ctx, 100, 70), spend(ctx, 5, -1), errors.New("no"))
		}, 75},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMetered(t, billing.Plan{}, tool("t", nil, c.call))
			_, err := m.calls("t", "")
			m.uses("tokens", c.want)
			m.uses("tool_calls", map[bool]int64{true: 1, false: 0}[err == nil])
		})
	}
}

// spend takes tokens and settles them, unless used is negative.
func spend(ctx context.Context, units, used int64) error {
	settle, err := agent.Spend(ctx, "tokens", units)
	if err == nil && used >= 0 {
		settle(used)
	}
	return err
}

// TestSpendAfterTheCall is refused: nobody would settle it.
func TestSpendAfterTheCall(t *testing.T) {
	var kept context.Context
	m := newMetered(t, billing.Plan{Quotas: map[string]int64{"tokens": 100}}, tool("t", nil, func(ctx context.Context) error {
		kept = ctx
		return nil
	}))
	if _, err := m.calls("t", ""); err != nil {
		t.Fatal(err)
	}
	if err := spend(kept, 5, 5); err == nil {
		t.Error("no error")
	}
	m.uses("tokens", 0)
}

// TestAQuotaThatIsUsedUp is told in words and to programs.
func TestAQuotaThatIsUsedUp(t *testing.T) {
	var ran bool
	both := map[string]int64{"tool_calls": 1, "agent_calls": 1}
	m := newMetered(t, billing.Plan{Quotas: map[string]int64{"tool_calls": 9, "agent_calls": 2, "tokens": 100}},
		tool("both", both, func(context.Context) error { ran = true; return nil }),
		tool("one", nil, func(context.Context) error { return nil }),
		tool("spender", map[string]int64{}, func(ctx context.Context) error { return spend(ctx, 101, 0) }))
	for range 2 {
		if _, err := m.calls("both", ""); err != nil {
			t.Fatal(err)
		}
	}
	ran = false
	_, err := m.calls("both", "")
	text, ok := agent.CallerText(err)
	want := "you have used 2 of 2 agent calls of this period; more from 2026-06-01, or upgrade at https://example.com/plans"
	if !ok || text != want || ran {
		t.Errorf("ran %t, text %q, want %q", ran, text, want)
	}
	want = `{"error":"quota_exceeded","metric":"agent_calls","used":2,"limit":2,"resets":"2026-06-01T00:00:00.000Z","upgrade":"https://example.com/plans"}`
	if got := app.Details(err); got != want {
		t.Errorf("details %s, want %s", got, want)
	}
	m.uses("tool_calls", 2) // all or none
	if _, err := m.calls("one", ""); err != nil {
		t.Errorf("another tool: %v", err)
	}

	_, err = m.calls("spender", "")
	want = `{"error":"quota_exceeded","metric":"tokens","used":0,"limit":100,"upgrade":"https://example.com/plans"}`
	if got := app.Details(err); got != want {
		t.Errorf("details %s, want %s", got, want)
	}
	for _, err := range []error{nil, agent.Errorf("no"), errors.New("no")} {
		if got := app.Details(err); got != "" {
			t.Errorf("details of %v: %s", err, got)
		}
	}
}

// TestNothingIsCountedWithoutAMeter, and a tool that spends works.
func TestNothingIsCountedWithoutAMeter(t *testing.T) {
	a := app.New(app.Config{
		Catalog: &agent.Catalog{Tools: []*agent.Tool{tool("t", nil, func(ctx context.Context) error { return spend(ctx, 5, 3) })}},
		Log:     zap.NewNop(),
	})
	if a.HasTool("get_usage") {
		t.Error("there is a tool that says what was used")
	}
	if _, err := a.CallTool(t.Context(), auth.Principal{Customer: "ada"}, "t", nil); err != nil {
		t.Error(err)
	}
	if err := a.FlushUsage(t.Context()); err != nil {
		t.Error(err)
	}
}

// quietStore is a store that notes which background work is done.
type quietStore struct {
	storage.Store
	storage.Ledger
	seen sync.Map
	gate chan struct{} // full: Settle doesn't return
}

func (*quietStore) KeyStates(context.Context, []storage.KeyID) (map[storage.KeyID]storage.KeyState, error) {
	return nil, nil
}
func (*quietStore) DeleteExpiredKeys(context.Context, time.Time) (int, error) { return 0, nil }

func (s *quietStore) Reserve(context.Context, storage.Reservation, int64) (storage.Balance, error) {
	s.seen.Store("reserve", true)
	return storage.Balance{}, nil
}

func (s *quietStore) Settle(context.Context, []storage.Use) error {
	s.seen.Store("settle", true)
	s.gate <- struct{}{}
	<-s.gate
	return nil
}

func (s *quietStore) SettleExpired(context.Context, time.Time) (int, error) {
	s.seen.Store("expire", true)
	return 0, nil
}

func (s *quietStore) DeleteUsage(context.Context, time.Time) (int, error) {
	s.seen.Store("delete", true)
	return 0, nil
}

func TestRunStoresUsage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &quietStore{gate: make(chan struct{}, 1)}
		meter, err := usage.New(usage.Config{
			Store: store,
			Allowance: func(context.Context, storage.CustomerID, string) (usage.Allowance, error) {
				return usage.Allowance{Limit: -1}, nil
			},
			Log: zap.NewNop(),
		})
		if err != nil {
			t.Fatal(err)
		}
		a := app.New(app.Config{
			Store: recent.New(store), Usage: meter, Log: zap.NewNop(),
			Catalog: &agent.Catalog{Tools: []*agent.Tool{tool("t", nil, func(context.Context) error { return nil })}},
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); a.Run(ctx) }()
		call := func() {
			if _, err := a.CallTool(ctx, auth.Principal{Customer: "ada"}, "t", nil); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Hour + time.Second)
		}
		call()
		store.gate <- struct{}{}
		call()
		cancel()
		time.Sleep(time.Second)
		select {
		case <-done:
			t.Error("Run ends before its work")
		default:
		}
		<-store.gate
		<-done
		for _, work := range []string{"reserve", "settle", "expire", "delete"} {
			if _, ok := store.seen.Load(work); !ok {
				t.Errorf("nothing is done of %s", work)
			}
		}
	})
}
