// Command owndashboard leads its own users into the dashboard, which has its colours and
// one page of its own.
//
//	go run ./examples/owndashboard
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

//go:embed templates
var files embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	address := "127.0.0.1:8080"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if err := run(ctx, address, "owndashboard.db"); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, address, database string) (err error) {
	store, err := sqlitestore.Open(ctx, database, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	templates, err := fs.Sub(files, "templates")
	if err != nil {
		return err
	}
	srv, err := heycmo.New(store, &heycmo.Options{
		PublicURL: "http://" + listener.Addr().String(),
		Dashboard: &heycmo.Dashboard{
			Templates: templates, // a file in it takes the place of ours
			Style:     ":root { --accent: light-dark(#7a2e8d, #d79be6) }",
		},
	})
	if err != nil {
		return err
	}
	ada, err := srv.Admin().Provision(ctx, heycmo.NewCustomer{Email: "ada@example.com", ExternalID: "ada"})
	if err != nil {
		return err
	}
	go srv.Run(ctx)

	mux := http.NewServeMux()
	mux.Handle("/", srv)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, `<!doctype html><title>Shop</title><form method="post" action="/marketing"><button>Marketing</button></form>`)
	})
	// In earnest, it is the customer of whoever is signed in here.
	mux.HandleFunc("POST /marketing", func(w http.ResponseWriter, r *http.Request) {
		link, _, err := srv.Admin().DashboardLink(r.Context(), ada.Customer.ID)
		if err != nil {
			http.Error(w, "The dashboard can't be opened right now.", http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, link, http.StatusSeeOther)
	})

	hs := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	hs.RegisterOnShutdown(srv.CloseStreams)
	fmt.Println("listening on http://" + listener.Addr().String())
	go func() { _ = hs.Serve(listener) }()

	<-ctx.Done()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(hs.Shutdown(stopping), srv.Shutdown(stopping))
}
