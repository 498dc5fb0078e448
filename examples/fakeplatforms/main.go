// Command fakeplatforms is LinkedIn, X, Google, Facebook and the others to try a host
// with: whoever opens their pages consents at once, as ada.
//
//	go run ./examples/fakeplatforms
//
// It prints the settings of a server that connects to it, and then what is published and
// sent.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log"
	"maps"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/heycmo/heycmo-go/connect/connecttest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	flag.Parse()
	if err := run(ctx, cmp.Or(flag.Arg(0), "127.0.0.1:4243")); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	platforms := connecttest.NewServerOn(listener)
	defer platforms.Close()
	fmt.Printf("export HEYCMO_CONNECT_URL=%s\n", platforms.URL)
	credentials := platforms.Credentials()
	for _, name := range slices.Sorted(maps.Keys(credentials)) {
		prefix := "export HEYCMO_CONNECT_" + strings.ToUpper(name)
		fmt.Printf("%s_CLIENT_ID=%s %s_CLIENT_SECRET=%s\n", prefix, credentials[name].ClientID, strings.TrimPrefix(prefix, "export "), credentials[name].ClientSecret)
	}
	shown := make(chan struct{}, 1)
	platforms.AfterWork("", func() {
		select {
		case shown <- struct{}{}:
		default:
		}
	})
	posts, mails := 0, 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-shown:
		}
		for _, p := range platforms.Posts()[posts:] {
			fmt.Printf("%s published on %s: %s\n", p.User, p.Platform, p.Text)
			posts++
		}
		for _, m := range platforms.Mails()[mails:] {
			fmt.Printf("%s sent by %s:\n%s\n", m.User, m.Platform, m.Message)
			mails++
		}
	}
}
