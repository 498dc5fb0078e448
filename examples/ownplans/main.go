// Command ownplans sells a tool of its own in two plans by Stripe. To try it without
// an account there:
//
//	go run ./examples/fakestripe -webhook http://127.0.0.1:8080/api/webhooks/stripe
//	export STRIPE_KEY=sk_test_fakestripe STRIPE_WEBHOOK_SECRET=whsec_fakestripe STRIPE_URL=http://127.0.0.1:4242
//	BASIC=price_basic PRO=price_pro go run ./examples/ownplans
//	curl -H 'Content-Type: application/json' -d '{"email":"ada@example.com"}' http://127.0.0.1:8080/api/checkout
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"strings"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/stripebilling"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

type text struct {
	Text string `json:"text"`
}

type count struct {
	Words int `json:"words"`
}

func words(_ context.Context, _ storage.CustomerID, t text) (count, error) {
	return count{len(strings.Fields(t.Text))}, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	listener, err := net.Listen("tcp", cmp.Or(strings.Join(os.Args[1:], ""), "127.0.0.1:8080"))
	if err != nil {
		log.Fatal(err)
	}
	if err := run(ctx, listener, "ownplans.db"); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, listener net.Listener, database string) (err error) {
	store, err := sqlitestore.Open(ctx, database, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	stripe, err := stripebilling.New(os.Getenv("STRIPE_KEY"), &stripebilling.Options{
		WebhookSecrets: []string{os.Getenv("STRIPE_WEBHOOK_SECRET")},
		BaseURL:        os.Getenv("STRIPE_URL"), // empty: Stripe itself
	})
	if err != nil {
		return err
	}
	publicURL := cmp.Or(os.Getenv("PUBLIC_URL"), "http://"+listener.Addr().String()) // where buyers return to
	srv, err := heycmo.New(store, &heycmo.Options{
		PublicURL: publicURL,
		Catalog:   &agent.Catalog{Tools: []*agent.Tool{agent.NewTool("count_words", "Counts words.", words, nil)}},
		Billing: &heycmo.Billing{Provider: stripe, Plans: []billing.Plan{
			{ID: "basic", Name: "Basic", Price: os.Getenv("BASIC"), Quotas: map[string]int64{"tool_calls": 100}},
			{ID: "pro", Name: "Pro", Price: os.Getenv("PRO"), Quotas: map[string]int64{"tool_calls": 10000}},
		}},
	})
	if err != nil {
		return err
	}
	fmt.Println("listening on " + publicURL)
	return srv.Serve(ctx, listener, nil)
}
