// Command ownworkflow sells long work: a loan that is checked, waits for the customer's
// yes for up to a week, and is paid out. Kill it while it waits, and start it again:
//
//	go run ./examples/ownworkflow
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"time"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/mcp"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
	"github.com/heycmo/heycmo-go/workflow"
	"github.com/heycmo/heycmo-go/workflow/dbosengine"
)

type application struct {
	Amount int `json:"amount" jsonschema:"what is to be borrowed, in euros"`
}

type loan struct {
	Rate float64 `json:"rate" jsonschema:"interest a year, in percent"`
	Paid string  `json:"paid,omitempty" jsonschema:"number of the payment; not there when the customer did not want the loan"`
}

// lend is a workflow: each step is carried out once, whatever happens to the process.
func lend(c workflow.Context, in application) (loan, error) {
	rate, err := workflow.Step(c, "ask for the rate", func(context.Context) (float64, error) { return rateOf(in.Amount) }, nil)
	if err != nil {
		return loan{}, err
	}
	answer, err := workflow.Ask(c, workflow.Question{
		Name: "sign", Title: fmt.Sprintf("Borrow %d euros at %g %%?", in.Amount, rate), Expires: 7 * 24 * time.Hour,
	})
	if err != nil || answer.Decision != workflow.DecisionApprove {
		return loan{Rate: rate}, err
	}
	paid, err := workflow.Step(c, "pay out", func(context.Context) (string, error) { return pay(c.RunID(), in.Amount) }, nil)
	return loan{rate, paid}, err
}

func rateOf(amount int) (float64, error) {
	if amount <= 0 || amount > 100_000 {
		return 0, workflow.Permanent(agent.Errorf("the amount must be between 1 and 100,000 euros"))
	}
	return 4.5, nil
}

// pay tells the bank the run's ID, so that a step that is carried out again pays once.
func pay(run string, amount int) (string, error) {
	fmt.Printf("paid %d euros for run %s\n", amount, run)
	return "P-" + run, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	address := "127.0.0.1:8080"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if err := run(ctx, address, "ownworkflow.db"); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, address, database string) (err error) {
	store, err := sqlitestore.Open(ctx, database, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	engine, err := dbosengine.OpenSQLite(database, nil)
	if err != nil {
		return err
	}
	srv, err := heycmo.New(store, &heycmo.Options{
		Engine: engine,
		Catalog: &agent.Catalog{
			Instructions: "Loans. Start the workflow lend with start_workflow, and show the customer what it asks.",
			Workflows:    []*agent.Workflow{agent.NewWorkflow("lend", "Lends money, once the customer agrees.", lend, nil)},
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
