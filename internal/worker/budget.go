package worker

import (
	"context"
	"math"
	"time"

	"github.com/heycmo/heycmo-go/agent"
)

// dollar is what costs are counted in: millionths of a US dollar.
const dollar = 1_000_000

// admit lets a turn begin while there is room in the budgets of the run and of the
// day and in the customer's plan. Turns of different runs that are under way at the
// same time don't see each other's use of the day until they end.
func (r *run) admit(ctx context.Context, tokens int64) (settle func(agent.Tokens), err error) {
	cost := r.choice.Price.Cost(agent.Tokens{Input: tokens})
	if err := r.roomToday(ctx, tokens, cost); err != nil {
		return nil, err
	}
	if err := r.hold(tokens, cost); err != nil {
		return nil, err
	}
	settleUnits, err := agent.Spend(ctx, agent.MetricModelTokens, tokens)
	if err != nil {
		r.tree.use(-tokens, -cost)
		return nil, err
	}
	return func(used agent.Tokens) {
		total, price := used.Input+used.Output, r.choice.Price.Cost(used)
		settleUnits(total)
		r.tree.use(total-tokens, price-cost)
		r.mu.Lock()
		r.cost += price
		r.mu.Unlock()
	}, nil
}

// hold sets tokens of the run's budget aside.
func (r *run) hold(tokens, cost int64) error {
	t := r.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case exceeds(t.tokens+tokens, r.Budget.RunTokens):
		return agent.Errorf("the budget of %d tokens for one task is used up", r.Budget.RunTokens)
	case exceeds(t.cost+cost, micros(r.Budget.RunCost)):
		return agent.Errorf("the budget of %.2f US dollars for one task is used up", r.Budget.RunCost)
	}
	t.tokens += tokens
	t.cost += cost
	return nil
}

func (r *run) roomToday(ctx context.Context, tokens, cost int64) error {
	spent, err := r.Runs.RunsSpent(ctx, r.customer, r.now().Truncate(24*time.Hour))
	if err != nil {
		return err
	}
	switch {
	case exceeds(spent.Tokens+tokens, r.Budget.DayTokens):
		return agent.Errorf("the budget of %d tokens for one day is used up; there is more after midnight UTC", r.Budget.DayTokens)
	case exceeds(spent.Cost+cost, micros(r.Budget.DayCost)):
		return agent.Errorf("the budget of %.2f US dollars for one day is used up; there is more after midnight UTC", r.Budget.DayCost)
	}
	return nil
}

func (t *tree) use(tokens, cost int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tokens += tokens
	t.cost += cost
}

// exceeds reports whether n is beyond a limit; there is none below 1.
func exceeds(n, limit int64) bool { return limit > 0 && n > limit }

func micros(dollars float64) int64 { return int64(math.Round(dollars * dollar)) }
