// Command minimal is the smallest program with a heycmo host in it.
//
//	go run ./examples/minimal
//	curl http://127.0.0.1:8080/api/health
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"

	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	address := "127.0.0.1:8080"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if err := run(ctx, address, "minimal.db"); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, address, database string) (err error) {
	store, err := sqlitestore.Open(ctx, database, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	srv, err := heycmo.New(store, nil)
	if err != nil {
		return err
	}

	// A first customer. Asking again finds the same one, and no key.
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
