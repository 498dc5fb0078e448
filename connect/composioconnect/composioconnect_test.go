package composioconnect_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/heycmo/heycmo-go/connect"
	"github.com/heycmo/heycmo-go/connect/composioconnect"
	"github.com/heycmo/heycmo-go/connect/connecttest"
)

var trello = []composioconnect.Toolkit{{ID: "trello", Title: "Trello", AuthConfig: "ac_1"}}

func open(t *testing.T, key string) (*connecttest.Server, connect.Connector) {
	t.Helper()
	s := connecttest.NewServer()
	t.Cleanup(s.Close)
	platforms, err := composioconnect.New(key, trello, &composioconnect.Options{BaseURL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return s, platforms[0].Connector
}

func TestConnector(t *testing.T) {
	connecttest.Run(t, func(t *testing.T) connecttest.Subject {
		s, c := open(t, connecttest.ComposioKey)
		return connecttest.Subject{
			Connector: c, Visit: s.Visit, Probe: connect.Request{URL: "https://api.trello.com/1/members/me"},
			Deny: func() { s.Deny(true) }, Fail: func(f connecttest.Failure) { s.Fail(f, "") }, Revokes: true,
			// What stands for an account at Composio opens nothing without the host's key.
			Secret: func(text string) bool { return strings.Contains(text, connecttest.ComposioKey) },
		}
	})
}

func TestWrongKey(t *testing.T) {
	_, c := open(t, "wrong")
	_, _, err := c.Begin(t.Context(), connect.Start{Customer: "c", RedirectURI: "http://127.0.0.1/callback", State: "s"})
	if !errors.Is(err, connect.ErrUnavailable) {
		t.Errorf("a key that is not taken: %v", err)
	}
}

// Composio's account of another customer is none of ours.
func TestAnotherCustomer(t *testing.T) {
	s, c := open(t, connecttest.ComposioKey)
	start := connect.Start{Customer: "ada", RedirectURI: "http://127.0.0.1/callback", State: "s"}
	page, memo, err := c.Begin(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	back, err := s.Visit(t.Context(), page)
	if err != nil {
		t.Fatal(err)
	}
	start.Customer = "bob"
	if _, err := c.Finish(t.Context(), start, memo, back.Query()); !errors.Is(err, connect.ErrAnswer) {
		t.Errorf("another customer's account: %v", err)
	}
	if _, err := c.Finish(t.Context(), start, "", url.Values{"status": {"success"}}); !errors.Is(err, connect.ErrAnswer) {
		t.Errorf("no account: %v", err)
	}
}

func TestNew(t *testing.T) {
	if _, err := composioconnect.New("", trello, nil); err == nil {
		t.Error("without a key")
	}
	if _, err := composioconnect.New("key", []composioconnect.Toolkit{{ID: "trello", Title: "Trello"}}, nil); err == nil || !strings.Contains(err.Error(), "AuthConfig") {
		t.Errorf("without an auth config: %v", err)
	}
	if _, err := composioconnect.New("key", append(trello, trello...), nil); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("one twice: %v", err)
	}
}
