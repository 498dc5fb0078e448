package agent_test

import (
	"context"
	"fmt"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/storage"
)

type query struct {
	City string `json:"city" jsonschema:"name of the city"`
	Unit string `json:"unit,omitempty" jsonschema:"unit of the temperature; celsius when left out"`
}

type forecast struct {
	Degrees float64 `json:"degrees"`
}

func tomorrow(_ context.Context, _ storage.CustomerID, q query) (forecast, error) {
	if q.City != "Rome" {
		return forecast{}, agent.Errorf("there is no weather station in %s", q.City)
	}
	return forecast{21.5}, nil
}

func ExampleNewTool() {
	tool := agent.NewTool("forecast", "Tomorrow's weather in a city.", tomorrow, &agent.ToolOptions{
		ReadOnly: true,
		Input: func(s *jsonschema.Schema) {
			s.Properties["unit"].Enum = []any{"celsius", "fahrenheit"}
		},
	})
	for _, args := range []string{`{"city": "Rome"}`, `{"city": "Atlantis"}`, `{"city": "Rome", "unit": "kelvin"}`, `{"town": "Rome"}`} {
		result, err := tool.Call(context.Background(), "a customer's ID", []byte(args))
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(result.Content[0].Text)
	}
	// Output:
	// {"degrees":21.5}
	// there is no weather station in Atlantis
	// argument "unit" is not valid; expected one of "celsius", "fahrenheit"
	// argument "city" is missing; expected a string
}

func ExampleCatalog_Validate() {
	catalog := &agent.Catalog{
		Tools:  []*agent.Tool{agent.NewTool("forecast", "Tomorrow's weather in a city.", tomorrow, nil)},
		Agents: []agent.Agent{{ID: "planner", Title: "Planner", Role: "Plans trips.", Instructions: "Ask where to.", Tools: []string{"book"}}},
	}
	fmt.Println(catalog.Validate())
	// Output: agent "planner": there is no tool "book"
}

func ExampleResource() {
	reports := agent.Resource{
		URI:  "weather://reports/{day}",
		Name: "report",
		Read: func(_ context.Context, _ storage.CustomerID, day string) (agent.Result, error) {
			return agent.Text("It was dry on " + day + "."), nil
		},
	}
	uri := reports.Expand("2026-05-01")
	day, _ := reports.Match(uri)
	result, err := reports.Read(context.Background(), "a customer's ID", day)
	fmt.Println(uri, result.Content[0].Text, err)
	// Output: weather://reports/2026-05-01 It was dry on 2026-05-01. <nil>
}

type printer struct{}

func (printer) Progress(_ context.Context, done, total float64, message string) {
	fmt.Printf("%.0f/%.0f %s\n", done, total, message)
}

func (printer) Log(_ context.Context, level agent.Level, message string) {
	fmt.Println(level, message)
}

func ExampleProgress() {
	tool := agent.NewTool("tour", "The weather of three cities.",
		func(ctx context.Context, _ storage.CustomerID, _ struct{}) (agent.Result, error) {
			for i, city := range []string{"Rome", "Paris", "Oslo"} {
				agent.Progress(ctx, float64(i+1), 3, city)
			}
			return agent.Text("dry everywhere"), nil
		}, nil)
	// The host does this for each call.
	ctx := agent.WithReporter(context.Background(), printer{})
	result, _ := tool.Call(ctx, "a customer's ID", nil)
	fmt.Println(result.Content[0].Text)
	// Output:
	// 1/3 Rome
	// 2/3 Paris
	// 3/3 Oslo
	// dry everywhere
}

func ExampleAskFor() {
	type confirmation struct {
		Send bool `json:"send" jsonschema:"send it now"`
	}
	newsletter := agent.NewTool("newsletter", "Sends the newsletter.",
		func(ctx context.Context, _ storage.CustomerID, _ struct{}) (agent.Result, error) {
			// Nothing is done before the question, since all of this may run twice.
			c, err := agent.AskFor[confirmation](ctx, "confirm", "Send it to 120 people?")
			if err != nil || !c.Send {
				return agent.Text("nothing was sent"), err
			}
			return agent.Text("sent"), nil
		}, nil)
	_, err := newsletter.Call(context.Background(), "a customer's ID", nil)
	fmt.Println(err) // no client called
	// Output: this needs an answer, and nobody can be asked here
}

func ExampleSpend() {
	summary := agent.NewTool("summary", "Sums a page up.",
		func(ctx context.Context, _ storage.CustomerID, _ struct{}) (agent.Result, error) {
			settle, err := agent.Spend(ctx, "tokens", 2000) // the most that it can take
			if err != nil {
				return agent.Result{}, err
			}
			text, tokens, err := "It is about the weather.", 1374, error(nil) // asks a model
			settle(int64(tokens))
			return agent.Text(text), err
		}, &agent.ToolOptions{Uses: map[string]int64{agent.MetricToolCalls: 1, "pages": 1}})
	// The host does this for each call.
	ctx := agent.WithSpend(context.Background(), func(_ context.Context, metric string, units int64) (func(int64), error) {
		fmt.Println("takes", units, metric)
		return func(used int64) { fmt.Println("used", used) }, nil
	})
	result, _ := summary.Call(ctx, "a customer's ID", nil)
	fmt.Println(result.Content[0].Text)
	// Output:
	// takes 2000 tokens
	// used 1374
	// It is about the weather.
}
