// Command mount puts a host under a path of a program that has pages of its own.
//
//	go run ./examples/mount
//	curl http://127.0.0.1:8080/ai/api/health
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

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
	if err := run(ctx, address, "mount.db"); err != nil {
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
		AdminKeys: []string{"an-admin-key-of-32-characters-or-more"}, // in earnest: from a secret store
	})
	if err != nil {
		return err
	}
	go srv.Run(ctx)

	mux := http.NewServeMux()
	mux.Handle("/ai/", http.StripPrefix("/ai", srv))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, "This page is the program's own. The host is at /ai/.")
	})

	hs := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	hs.RegisterOnShutdown(srv.CloseStreams)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("listening on http://" + listener.Addr().String())
	go func() { _ = hs.Serve(listener) }()

	<-ctx.Done()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(hs.Shutdown(stopping), srv.Shutdown(stopping))
}
