// Command owntools sells a tool of its own over MCP, with keys and limits and
// with no marketing in it.
//
//	go run ./examples/owntools
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"net"
	"os"
	"os/signal"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/mcp"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// loan is what the tool takes.
type loan struct {
	Amount float64 `json:"amount" jsonschema:"what is borrowed, in any currency"`
	Rate   float64 `json:"rate" jsonschema:"interest a year, in percent"`
	Years  int     `json:"years" jsonschema:"how long the loan runs"`
}

// plan is what the tool returns.
type plan struct {
	Monthly float64 `json:"monthly" jsonschema:"what is paid each month"`
	Total   float64 `json:"total" jsonschema:"what is paid in the end"`
}

// repay is the tool: an ordinary function.
func repay(ctx context.Context, _ storage.CustomerID, l loan) (plan, error) {
	months := float64(l.Years * 12)
	if months <= 0 || l.Amount <= 0 || l.Rate < 0 {
		return plan{}, agent.Errorf("amount and years must be above 0, rate at least 0")
	}
	agent.Progress(ctx, 1, 2, "rate of a month")
	monthly := l.Amount / months
	if r := l.Rate / 1200; r > 0 {
		monthly = l.Amount * r / (1 - math.Pow(1+r, -months))
	}
	monthly = math.Round(monthly*100) / 100
	return plan{Monthly: monthly, Total: math.Round(monthly*months*100) / 100}, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	address := "127.0.0.1:8080"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if err := run(ctx, address, "owntools.db"); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, address, database string) (err error) {
	store, err := sqlitestore.Open(ctx, database, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	srv, err := heycmo.New(store, &heycmo.Options{
		Catalog: &agent.Catalog{
			Instructions: "Loan arithmetic. Call repay.",
			Tools: []*agent.Tool{
				agent.NewTool("repay", "Monthly payment and total cost of a loan.", repay,
					&agent.ToolOptions{Title: "Repayment plan", ReadOnly: true, Idempotent: true}),
			},
		},
		Limits: heycmo.Limits{MCP: 600},
		MCP:    &mcp.Options{Name: "loans", Title: "Loans"},
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
