// Command ownconnect sells a tool that posts on X, for customers who connect their own
// accounts. It never sees their tokens.
//
//	X_CLIENT_ID=… X_CLIENT_SECRET=… go run ./examples/ownconnect
//
// In the app at X, http://127.0.0.1:8080/connect/x/callback must be a callback URL. With
// PLATFORMS_URL it takes a fake X, such as that of ./examples/fakeplatforms.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"

	"github.com/heycmo/heycmo-go/agent"
	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/connect/oauth2connect"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

type post struct {
	Text string `json:"text" jsonschema:"what to post"`
}

type posted struct {
	ID string `json:"id" jsonschema:"the post's id"`
}

// publish is the tool. Errors of X have texts for us alone, so that it says what the
// customer can do.
func publish(ctx context.Context, _ storage.CustomerID, p post) (posted, error) {
	answer, err := connect.Do(ctx, "x", connect.Request{Method: "POST", URL: "https://api.x.com/2/tweets", JSON: p})
	if errors.Is(err, connect.ErrNotConnected) || errors.Is(err, connect.ErrRevoked) {
		return posted{}, agent.Errorf("connect X first, with connect_platform")
	}
	if err != nil {
		return posted{}, err
	}
	var out struct{ Data posted }
	err = json.Unmarshal(answer.Body, &out)
	return out.Data, err
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	address := "127.0.0.1:8080"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if err := run(ctx, address, "ownconnect.db"); err != nil {
		log.Fatal(err)
	}
}

// secret is what encrypts. A real program keeps it somewhere, since what customers have
// connected is lost with it.
func secret() heycmo.SecretKey {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	return heycmo.SecretKey{ID: "k1", Key: key}
}

func run(ctx context.Context, address, database string) (err error) {
	store, err := sqlitestore.Open(ctx, database, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	app := oauth2connect.Credentials{ClientID: os.Getenv("X_CLIENT_ID"), ClientSecret: os.Getenv("X_CLIENT_SECRET")}
	srv, err := heycmo.New(store, &heycmo.Options{
		SecretKeys: []heycmo.SecretKey{secret()},
		Platforms:  oauth2connect.Platforms(map[string]oauth2connect.Credentials{"x": app}, &oauth2connect.Options{BaseURL: os.Getenv("PLATFORMS_URL")}),
		Catalog: &agent.Catalog{
			Instructions: "Posts on X. Call publish with what the person approved.",
			Tools: []*agent.Tool{
				agent.NewTool("publish", "Posts on the customer's account at X.", publish, &agent.ToolOptions{OpenWorld: true, NeedsPerson: true}),
			},
		},
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
