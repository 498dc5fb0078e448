// Command ownauth is a program with users of its own: they call the host with
// the session that the program already gave them, and never see an API key.
//
//	go run ./examples/ownauth
//	curl -H "Authorization: Bearer session-of-ada" http://127.0.0.1:8080/me
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

	"github.com/heycmo/heycmo-go/auth"
	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

// user is a user of this program.
type user struct{ id, email string }

// sessions are what this program knows of who is signed in.
var sessions = map[string]user{
	"session-of-ada":   {"user-1", "ada@example.com"},
	"session-of-grace": {"user-2", "grace@example.com"},
}

func userOf(r *http.Request) (user, bool) {
	session, _ := auth.BearerToken(r)
	u, ok := sessions[session]
	return u, ok
}

// authenticate tells the host which user is calling.
func authenticate(r *http.Request) (auth.Principal, error) {
	u, ok := userOf(r)
	if !ok {
		return auth.Principal{}, auth.ErrUnauthenticated
	}
	return auth.Principal{ExternalID: u.id}, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	address := "127.0.0.1:8080"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if err := run(ctx, address, "ownauth.db"); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, address, database string) (err error) {
	store, err := sqlitestore.Open(ctx, database, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	srv, err := heycmo.New(store, &heycmo.Options{Authenticator: auth.Func(authenticate)})
	if err != nil {
		return err
	}

	mux := http.NewServeMux()
	mux.Handle("/ai/", http.StripPrefix("/ai", srv))
	// A user becomes a customer of the host when they first ask for it. Asking
	// again finds the same customer.
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		u, ok := userOf(r)
		if !ok {
			http.Error(w, "sign in first", http.StatusUnauthorized)
			return
		}
		c, err := srv.Admin().Provision(r.Context(), heycmo.NewCustomer{Email: u.email, ExternalID: u.id})
		if err != nil {
			http.Error(w, "try again later", http.StatusInternalServerError)
			return
		}
		_, _ = fmt.Fprintf(w, "your customer is /ai/api/customer/%s\n", c.Customer.ID)
	})

	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("listening on http://" + listener.Addr().String())
	return srv.Serve(ctx, listener, mux)
}
