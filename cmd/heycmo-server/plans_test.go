package main

import (
	"reflect"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/billing"
)

func TestReadPlans(t *testing.T) {
	plans, err := readPlans(file(t, `# smallest first
plans:
  - id: basic
    name: "7"
    price: price_1
    prices: [price_0, plan_00]
    quotas: {tool_calls: 1_000, pages: 0, words: -1}
    features: [reports]
  - {id: pro, name: Pro, price: price_2, trialDays: 14}
  - {"id": "friend", "name": "Friend"}
`))
	want := []billing.Plan{
		{
			ID: "basic", Name: "7", Price: "price_1", Prices: []string{"price_0", "plan_00"},
			Quotas: map[string]int64{"tool_calls": 1000, "pages": 0, "words": -1}, Features: []string{"reports"},
		},
		{ID: "pro", Name: "Pro", Price: "price_2", TrialDays: 14},
		{ID: "friend", Name: "Friend"},
	}
	if err != nil || !reflect.DeepEqual(plans, want) {
		t.Errorf("%v\n%+v\nwant\n%+v", err, plans, want)
	}
	if plans, err := readPlans("../../examples/fakestripe/plans.yaml"); err != nil || len(plans) != 2 {
		t.Errorf("the example's: %v %+v", err, plans)
	}
}

func TestPlanFaults(t *testing.T) {
	for text, want := range map[string]string{
		"":                                              "the file is empty",
		"# nothing\n":                                   "the file is empty",
		"---\n":                                         "line 2: the file must be an object",
		"- a":                                           "line 1: the file must be an object",
		"plan: []":                                      "line 1: plan is not known; there are plans",
		"plans:":                                        "line 1: plans must be a list",
		"plans: []":                                     "line 1: plans must be a list of at least one plan",
		"plans: {a: b}":                                 "line 1: plans must be a list",
		"plans: [\n":                                    "yaml: line 1",
		"plans:\n  - pro":                               "line 2: plans[0] must be an object",
		"plans:\n- {id: pro, title: Pro}":               "line 2: plans[0].title is not known; there are features, id,",
		"plans:\n- id: pro\n  name: 7":                  "line 3: plans[0].name must be text",
		"plans:\n- id: pro\n  name: true":               "line 3: plans[0].name must be text",
		"plans:\n- id: pro\n  name:":                    "line 3: plans[0].name must be text",
		"plans:\n- id: pro\n  name: [a]":                "line 3: plans[0].name must be text",
		"plans:\n- id: pro\n  id: max":                  "line 3: plans[0].id is there already, in line 2",
		"plans: [{id: &a pro, name: *a}]":               "plans[0].name must be text",
		"plans: [{<<: {id: pro}}]":                      "plans[0].<< is not known",
		"plans: [{prices: price_1}]":                    "plans[0].prices must be a list",
		"plans: [{prices: [price_1, 2]}]":               "plans[0].prices[1] must be text",
		"plans: [{features: [{a: b}]}]":                 "plans[0].features[0] must be text",
		"plans: [{trialDays: 14.5}]":                    "plans[0].trialDays must be a whole number",
		`plans: [{trialDays: "14"}]`:                    "plans[0].trialDays must be a whole number",
		"plans: [{quotas: [a]}]":                        "plans[0].quotas must be an object",
		"plans: [{quotas: {a: 1e3}}]":                   "plans[0].quotas.a must be a whole number",
		"plans: [{quotas: {a: 9223372036854775808}}]":   "plans[0].quotas.a must be a whole number",
		"plans:\n- quotas:\n    a: 1\n    a: 2":         "line 4: plans[0].quotas.a is there already, in line 3",
		"plans: [{id: pro, name: Pro}]\nplans: []":      "line 2: plans is there already",
		"plans: [{id: pro, name: Pro}]\n---\nplans: []": "line 2: there must be one document only",
		"plans: [{id: pro, name: Pro}]\n---\n[":         "yaml: line 3",
		"plans: [{id: pro, name: Pro}]\n" + strings.Repeat("#", maxPlans): "more than 1 MiB",
		"plans: [{id: Pro, name: Pro}]":                                   "plans[0].id:",
		"plans: [{id: pro, name: Pro, trialDays: 99999999999999}]":        "plans[0].trialDays:",
		"plans: [{id: pro, name: Pro}, {id: pro, name: Pro}]":             "plans[1].id:",
	} {
		if len(text) > 80 {
			t.Run(want, func(t *testing.T) { refusesPlans(t, text, want) })
			continue
		}
		t.Run(text, func(t *testing.T) { refusesPlans(t, text, want) })
	}
	if _, _, err := command(t, []string{"HEYCMO_PLANS=absent.yaml"}, "billing", "plans"); err == nil || !strings.Contains(err.Error(), "HEYCMO_PLANS names absent.yaml: ") {
		t.Errorf("no file: %v", err)
	}
	_, _, err := command(t, []string{"HEYCMO_PLANS=" + file(t, "plans:\n- {id: 1}\n- {id: 2}")}, "config")
	if err == nil || strings.Count(err.Error(), "HEYCMO_PLANS names ") != 2 {
		t.Errorf("two faults: %v", err)
	}
}

func refusesPlans(t *testing.T, text, want string) {
	plans, err := readPlans(file(t, text))
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v %+v, want %s", err, plans, want)
	}
}
