// Command ownagent sells agents of its own, which work by themselves with a tool of its
// own, over any model with OpenAI's API. With a key of OpenAI:
//
//	OPENAI_API_KEY=… go run ./examples/ownagent
//
// With Ollama on the same machine:
//
//	OPENAI_BASE_URL=http://localhost:11434/v1 MODEL=qwen3 go run ./examples/ownagent
package main

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"log"
	"math"
	"net"
	"os"
	"os/signal"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/agent/agentfile"
	"github.com/heycmo/heycmo-go/agent/openaimodel"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/mcp"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

type loan struct {
	Amount float64 `json:"amount" jsonschema:"what is borrowed, in any currency"`
	Rate   float64 `json:"rate" jsonschema:"interest a year, in percent"`
	Years  int     `json:"years" jsonschema:"how long the loan runs"`
}

type plan struct {
	Monthly float64 `json:"monthly" jsonschema:"what is paid each month"`
}

// repay is a tool that both agents have.
func repay(_ context.Context, _ storage.CustomerID, l loan) (plan, error) {
	if l.Years <= 0 || l.Amount <= 0 || l.Rate <= 0 {
		return plan{}, agent.Errorf("amount, rate and years must be above 0")
	}
	r := l.Rate / 1200
	return plan{math.Round(l.Amount*r/(1-math.Pow(1+r, -float64(12*l.Years)))*100) / 100}, nil
}

// advisor is an agent as a Go value; reviewer.md is one as a file.
var advisor = agent.Agent{
	ID: "advisor", Title: "Advisor", Role: "Compares loans.", Tools: []string{"repay"},
	Instructions: "Calculate with repay, never in your head. Compare at least two ways, and say which one you would take and why.",
}

//go:embed *.md
var files embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	address := "127.0.0.1:8080"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if err := run(ctx, address, "ownagent.db"); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, address, database string) (err error) {
	store, err := sqlitestore.Open(ctx, database, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	gpt, err := openaimodel.New(cmp.Or(os.Getenv("OPENAI_API_KEY"), "none"), &openaimodel.Options{BaseURL: os.Getenv("OPENAI_BASE_URL")})
	if err != nil {
		return err
	}
	agents, err := agentfile.Read(files)
	if err != nil {
		return err
	}
	srv, err := heycmo.New(store, &heycmo.Options{
		Models: agent.Models{agent.TierStandard: {Model: gpt, Name: cmp.Or(os.Getenv("MODEL"), "gpt-5.4-mini")}},
		Budget: agent.Budget{DayTokens: 200_000},
		Catalog: &agent.Catalog{
			Instructions: "Advice on loans. Ask an agent with ask_agent.",
			Agents:       append(agents, advisor),
			Tools:        []*agent.Tool{agent.NewTool("repay", "Monthly payment of a loan.", repay, &agent.ToolOptions{ReadOnly: true})},
		},
		MCP: &mcp.Options{Name: "loans", Title: "Loans"},
	})
	if err != nil {
		return err
	}

	c, err := srv.Admin().Provision(ctx, heycmo.NewCustomer{Email: "ada@example.com", ExternalID: "first"})
	if err != nil {
		return err
	}
	if c.Created {
		fmt.Println("key:", c.APIKey.Reveal())
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("listening on http://" + listener.Addr().String())
	return srv.Serve(ctx, listener, nil)
}
