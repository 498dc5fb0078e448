// Command fakestripe is a Stripe to try a host with that sells. The link of a
// checkout opens a page with a button that pays.
//
//	go run ./examples/fakestripe -webhook http://127.0.0.1:8787/api/webhooks/stripe
//
// The rest happens to the newest subscription when it is asked for: renew, fail
// (a renewal without money), recover (what is due is paid) or cancel.
//
//	curl -X POST http://127.0.0.1:4242/do/fail
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/heycmo/heycmo-go/billing"
	"github.com/heycmo/heycmo-go/billing/billingtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	webhook := flag.String("webhook", "http://127.0.0.1:8787/api/webhooks/stripe", "where events are delivered to")
	flag.Parse()
	if err := run(ctx, cmp.Or(flag.Arg(0), "127.0.0.1:4242"), *webhook); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, address, webhook string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	url := "http://" + listener.Addr().String()
	fake := billingtest.NewFake(&billingtest.FakeOptions{ //nolint:gosec // these secrets open nothing
		Key: "sk_test_fakestripe", Secret: "whsec_fakestripe", URL: url,
		Prices: []billing.Price{
			{ID: "price_basic", Currency: "usd", Amount: 900, Interval: "month", Count: 1},
			{ID: "price_pro", Currency: "usd", Amount: 4900, Interval: "month", Count: 1},
		},
	})
	changed := make(chan struct{}, 1)
	mux := http.NewServeMux()
	mux.Handle("/", fake)
	for what, do := range map[string]func(string) error{
		"renew": fake.Renew, "fail": fake.FailRenewal, "recover": fake.Recover, "cancel": fake.Cancel,
	} {
		mux.HandleFunc("POST /do/"+what, func(w http.ResponseWriter, _ *http.Request) {
			if err := do(newest(fake)); err != nil {
				http.Error(w, err.Error(), http.StatusConflict)
			}
		})
	}
	hs := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r)
		select {
		case changed <- struct{}{}:
		default:
		}
	})}
	go func() { _ = hs.Serve(listener) }()
	fmt.Printf("key: %s\nwebhook secret: %s\nprices: price_basic, price_pro\nlistening on %s\n", fake.Key(), fake.Secret(), url)

	// What couldn't be delivered is tried again, as Stripe does.
	for {
		wait := time.Hour
		for _, e := range fake.Deliveries() {
			if status, err := fake.DeliverOne(ctx, webhook, e); err != nil || status/100 != 2 {
				fmt.Println(e.Type, "is not delivered:", status, err)
				wait = 5 * time.Second
				break
			}
			fmt.Println(e.Type, "is delivered")
		}
		select {
		case <-ctx.Done():
			return hs.Close()
		case <-changed:
		case <-time.After(wait):
		}
	}
}

// newest is the subscription that was made last.
func newest(fake *billingtest.Fake) string {
	for _, e := range slices.Backward(fake.Events()) {
		var event struct {
			Data struct{ Object struct{ ID string } }
		}
		if e.Type == "customer.subscription.created" && json.Unmarshal(e.Body, &event) == nil {
			return event.Data.Object.ID
		}
	}
	return ""
}
