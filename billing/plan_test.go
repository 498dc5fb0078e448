package billing_test

import (
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/billing"
)

func TestValidatePlans(t *testing.T) {
	good := billing.Plan{
		ID: "pro", Name: "Pro für alle", Price: "price_1", Prices: []string{"price_0"},
		Quotas: map[string]int64{"agent_calls": 500, "seats": -1}, Features: []string{"workflows"}, TrialDays: 14,
	}
	for name, c := range map[string]struct {
		change func(*billing.Plan)
		want   string // empty: nothing is wrong
	}{
		"good":              {func(*billing.Plan) {}, ""},
		"shortest":          {func(p *billing.Plan) { *p = billing.Plan{ID: "0", Name: "0"} }, ""},
		"longest":           {func(p *billing.Plan) { p.ID, p.Name = strings.Repeat("a", 64), strings.Repeat("ä", 100) }, ""},
		"no ID":             {func(p *billing.Plan) { p.ID = "" }, `plans[1].id: is "", must be 1 to 64 characters of [a-z0-9_-]`},
		"long ID":           {func(p *billing.Plan) { p.ID = strings.Repeat("a", 65) }, "plans[1].id: is"},
		"upper case":        {func(p *billing.Plan) { p.ID = "Pro" }, `plans[1].id: is "Pro"`},
		"begins with _":     {func(p *billing.Plan) { p.ID = "_pro" }, `plans[1].id: is "_pro"`},
		"a line break":      {func(p *billing.Plan) { p.ID = "pro\n" }, `plans[1].id: is "pro\n"`},
		"ID taken":          {func(p *billing.Plan) { p.ID = "basic" }, `plans[1].id: is "basic", which plans[0] is called already`},
		"no name":           {func(p *billing.Plan) { p.Name = "" }, `plans[1].name: is "", must be 1 to 100 characters`},
		"long name":         {func(p *billing.Plan) { p.Name = strings.Repeat("a", 101) }, "plans[1].name: is"},
		"NUL in the name":   {func(p *billing.Plan) { p.Name = "a\x00b" }, `plans[1].name: is "a\x00b"`},
		"name from right":   {func(p *billing.Plan) { p.Name = "a\u202eb" }, `plans[1].name: is "a\u202eb"`},
		"not UTF-8":         {func(p *billing.Plan) { p.Name = "a\xff" }, `plans[1].name: is "a\xff"`},
		"spaces at the end": {func(p *billing.Plan) { p.Name = "Pro " }, `plans[1].name: is "Pro "`},
		"price taken":       {func(p *billing.Plan) { p.Price = "price_b" }, `plans[1].price: is "price_b", which plans[0] has already`},
		"price twice":       {func(p *billing.Plan) { p.Prices = []string{"x", "price_1"} }, `plans[1].prices[1]: is "price_1", which plans[1] has already`},
		"empty price":       {func(p *billing.Plan) { p.Prices = []string{""} }, `plans[1].prices[0]: is "", must be 1 to 255 visible`},
		"space in a price":  {func(p *billing.Plan) { p.Price = "price 1" }, `plans[1].price: is "price 1"`},
		"long price":        {func(p *billing.Plan) { p.Price = strings.Repeat("p", 256) }, "plans[1].price: is"},
		"metric":            {func(p *billing.Plan) { p.Quotas = map[string]int64{"agent calls": 1} }, `plans[1].quotas: has a metric "agent calls", must be 1 to 64`},
		"empty feature":     {func(p *billing.Plan) { p.Features = []string{"a", ""} }, `plans[1].features[1]: is "", must be`},
		"feature twice":     {func(p *billing.Plan) { p.Features = []string{"a", "b", "a"} }, `plans[1].features[2]: is "a", as is features[0]`},
		"negative trial":    {func(p *billing.Plan) { p.TrialDays = -1 }, "plans[1].trialDays: is -1, must be 0 to 730"},
		"long trial":        {func(p *billing.Plan) { p.TrialDays = 731 }, "plans[1].trialDays: is 731, must be 0 to 730"},
		"trial of nothing":  {func(p *billing.Plan) { p.Price = "" }, "plans[1].trialDays: is 14, must be 0 for a plan without a price"},
	} {
		t.Run(name, func(t *testing.T) {
			plan := good
			c.change(&plan)
			err := billing.ValidatePlans([]billing.Plan{{ID: "basic", Name: "Basic", Price: "price_b"}, plan})
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && err == nil:
				t.Error("taken")
			case err != nil && (!strings.HasPrefix(err.Error(), "billing: "+c.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("got %q, want %q", err, c.want)
			}
		})
	}
}

func TestValidatePlansTellsEverything(t *testing.T) {
	err := billing.ValidatePlans([]billing.Plan{{ID: "A"}, {ID: "b", Name: "B", TrialDays: -1, Quotas: map[string]int64{"Z": 1, "Y": 1}}})
	if got := strings.Count(err.Error(), "billing: plans["); got != 5 {
		t.Errorf("%d errors, want 5: %v", got, err)
	}
	if err := billing.ValidatePlans(nil); err != nil {
		t.Errorf("no plans: %v", err)
	}
}

func TestPlanOf(t *testing.T) {
	for _, c := range []struct {
		prices []string
		want   string
	}{
		{nil, ""},
		{[]string{""}, ""},
		{[]string{"price_shoes"}, ""},
		{[]string{"price_basic"}, "basic"},
		{[]string{"price_basic_2025"}, "basic"},
		{[]string{"price_shoes", "price_pro"}, "pro"},
		{[]string{"price_pro", "price_basic"}, "pro"},
	} {
		got, ok := billing.PlanOf(plans, c.prices)
		if got.ID != c.want || ok != (c.want != "") {
			t.Errorf("PlanOf(%q) = %q, %v; want %q", c.prices, got.ID, ok, c.want)
		}
	}
}

func TestLimit(t *testing.T) {
	plan := billing.Plan{Quotas: map[string]int64{"calls": 5, "images": 0, "seats": -1}}
	for metric, want := range map[string]int64{"calls": 5, "images": 0, "seats": -1, "others": -1} {
		limit, limited := plan.Limit(metric)
		if limited != (want >= 0) || limit != max(want, 0) {
			t.Errorf("Limit(%q) = %d, %v", metric, limit, limited)
		}
	}
}
