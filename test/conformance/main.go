// Command conformance serves what the official conformance suite of MCP wants to
// find on a server, on a host with keys, limits and sessions as in life, behind a
// proxy that adds the key, since the suite can't send one.
//
//	go run ./test/conformance
//	npx @modelcontextprotocol/conformance server --url URL --requirements 2026-07-28
//
// It exists for tests only; "make conformance" runs the suite against it.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"time"

	"github.com/heycmo/heycmo-go/heycmo"
	"github.com/heycmo/heycmo-go/mcp"
	"github.com/heycmo/heycmo-go/storage/sqlitestore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run prints the address for the suite and serves until ctx ends.
func run(ctx context.Context, out io.Writer) (err error) {
	store, err := sqlitestore.Open(ctx, sqlitestore.Memory, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	back, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := "http://" + front.Addr().String()
	srv, err := heycmo.New(store, &heycmo.Options{
		PublicURL: address, // turns on the check of the Host header
		Catalog:   catalog(),
		Limits:    heycmo.Limits{MCP: 100_000}, // the suite is in a hurry
		MCP:       &mcp.Options{Name: "heycmo-conformance", HijackStreams: true},
	})
	if err != nil {
		return err
	}
	c, err := srv.Admin().Provision(ctx, heycmo.NewCustomer{Email: "suite@example.com"})
	if err != nil {
		return err
	}

	proxy := &http.Server{Handler: withKey(back.Addr().String(), c.APIKey.Reveal()), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = proxy.Serve(front) // until it is closed
	}()
	fmt.Fprintln(out, address+"/mcp")
	err = srv.Serve(ctx, back, nil)
	_ = proxy.Close()
	<-ended
	return err
}

// withKey returns a proxy that adds the key and leaves all else as it is.
func withKey(to, key string) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: to})
			r.Out.Host = r.In.Host
			r.Out.Header.Set("Authorization", "Bearer "+key)
		},
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0), // clients that leave
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// net/http closes a body whose end was not read when the response begins,
		// and a quick answer begins while ReverseProxy is still on its way there.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	})
}
