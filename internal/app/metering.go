package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/internal/usage"
	"github.com/heycmo/heycmo-go/storage"
)

// use is a number of units of a metric.
type use struct {
	metric string
	units  int64
}

// usesOf returns what a call of the tool uses, always in the same order.
func usesOf(t *agent.Tool) []use {
	var list []use
	for metric, units := range t.Uses {
		list = append(list, use{metric, units})
	}
	slices.SortFunc(list, func(a, b use) int { return cmp.Compare(a.metric, b.metric) })
	return list
}

// bill is what a call takes of the customer's allowance.
type bill struct {
	meter    *usage.Meter
	customer storage.CustomerID
	tool     string
	fixed    []taken  // what each call of the tool uses
	few      [2]taken // room for fixed, nearly always

	mu    sync.Mutex
	spent []taken // by the tool while it runs
	ended bool
}

type taken struct {
	held  *usage.Held
	units int64
}

// callMetered calls the tool and counts what that uses: a call that fails uses nothing
// but what it spent.
func (a *App) callMetered(ctx context.Context, customer storage.CustomerID, t *agent.Tool, uses []use, args json.RawMessage) (result agent.Result, err error) {
	b := &bill{meter: a.Usage, customer: customer, tool: t.Name}
	b.fixed = b.few[:0]
	succeeded := false
	defer func() { b.end(succeeded) }()
	for _, u := range uses {
		one, err := b.take(ctx, u.metric, u.units)
		if err != nil {
			return agent.Result{}, err
		}
		b.fixed = append(b.fixed, one)
	}
	result, err = t.Call(agent.WithSpend(ctx, b.spend), customer, args)
	succeeded = err == nil
	return result, err
}

func (b *bill) take(ctx context.Context, metric string, units int64) (taken, error) {
	held, err := b.meter.Take(ctx, b.customer, metric, b.tool, units)
	if refusal, ok := errors.AsType[*billing.QuotaError](err); ok {
		err = agent.Errorf("%w", refusal)
	}
	return taken{held, units}, err
}

// spend is what [agent.Spend] calls.
func (b *bill) spend(ctx context.Context, metric string, units int64) (settle func(used int64), err error) {
	one, err := b.take(ctx, metric, units)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		one.held.Settle(0)
		return nil, errors.New("agent.Spend after the end of the call")
	}
	b.spent = append(b.spent, one)
	return one.held.Settle, nil
}

// end settles what the call took.
func (b *bill) end(succeeded bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	for _, one := range b.fixed {
		if !succeeded {
			one.units = 0
		}
		one.held.Settle(one.units)
	}
	for _, one := range b.spent {
		one.held.Settle(one.units)
	}
}

// Details returns JSON on the cause of an error, for programs, or "" when its text
// says it all.
func Details(err error) string {
	refusal, ok := errors.AsType[*billing.QuotaError](err)
	if !ok {
		return ""
	}
	data, _ := json.Marshal(struct { // such fields never fail
		Error   string `json:"error"`
		Metric  string `json:"metric"`
		Used    int64  `json:"used"`
		Limit   int64  `json:"limit"`
		Resets  Time   `json:"resets,omitzero"`
		Upgrade string `json:"upgrade,omitempty"`
	}{"quota_exceeded", refusal.Metric, refusal.Used, refusal.Limit, Time{refusal.Resets}, refusal.Upgrade})
	return string(data)
}

// FlushUsage stores what was used. Call it when no more calls are served.
func (a *App) FlushUsage(ctx context.Context) error {
	if a.Usage == nil {
		return nil
	}
	return a.Usage.Flush(ctx)
}
